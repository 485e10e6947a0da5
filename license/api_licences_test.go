package license

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	wire "guildhall/sdk/go/license/manage"
	"guildhall/sdk/go/license/offline"
)

const asked = "product: press\ncompany: Printers Ltd\ncontact: office@printers.example\nmodules: [export]\nnodes:\n  - name: plant\n    identifiers:\n      machine_id: 7c1f5e0a9d2b4c6e8f0a1b2c3d4e5f60\n"

func TestAPIOfOfflineLicences(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		o.stock(t)
		ok(t, second(c.CreateRelease(ctx, "press", wire.ReleaseCreate{Version: "1.0"})))
		order := wire.LicenceOrder{Request: asked, To: o.clock.Now().AddDate(1, 0, 0), Release: "1.0", Note: "fair", VersionTo: "2"}
		if p := problemOf(second(c.IssueLicence(ctx, order))); p.Status != http.StatusConflict || p.Code != "no_signing_key" {
			t.Errorf("without a key: %+v", p)
		}
		key, err := c.AddSigningKey(ctx, "press")
		ok(t, err)
		draft, err := c.PreviewLicence(ctx, order)
		ok(t, err)
		if draft.SigningKey != key.ID || !draft.Code || draft.Claims.Licensee.Company != "Printers Ltd" || len(draft.SealedTo) != 0 {
			t.Errorf("the draft is %+v", draft)
		}
		made, err := c.IssueLicence(ctx, order)
		ok(t, err)
		if draft, err = c.PreviewLicence(ctx, order); err != nil || draft.Earlier != made.ID {
			t.Errorf("the draft of a second one: %+v, %v", draft, err)
		}
		if p := problemOf(second(c.IssueLicence(ctx, order))); len(p.Fields) != 1 || p.Fields[0].Code != "licence_again" || !strings.Contains(p.Fields[0].Detail, made.ID) {
			t.Errorf("a second one: %+v", p)
		}
		set, err := c.KeySet(ctx, "press")
		ok(t, err)
		licence, err := offline.Genuine(made.Text, offline.Options{Keys: set.Trusted(), Product: set.Product})
		ok(t, err)
		if secret, err := (licence).SecretByCode(made.Code); err != nil || len(secret) != 32 || licence.Deployment.ProductVersions.To != "2" {
			t.Errorf("%+v, %v", licence, err)
		}
		changed, err := c.UpdateLicence(ctx, made.ID, wire.LicenceNote{Note: "sent"})
		ok(t, err)
		read, err := c.Licence(ctx, made.ID)
		ok(t, err)
		list, err := c.Licences(ctx, wire.LicenceRequest{Text: "PRINTERS", Product: "press", EndsTo: o.clock.Now().AddDate(2, 0, 0)})
		ok(t, err)
		made.Note = "sent"
		for _, got := range []wire.Licence{*changed, *read, list.Licences[0]} {
			if diff := cmp.Diff(made.Licence, got); diff != "" {
				t.Error(diff)
			}
		}
		text, err := c.LicenceText(ctx, made.ID)
		if err != nil || text.Text != made.Text || !strings.HasPrefix(text.OneLine, "v4.public.") {
			t.Errorf("%+v, %v", text, err)
		}
		if list, err = c.Licences(ctx, wire.LicenceRequest{EndsTo: o.clock.Now()}); err != nil || list.Total != 0 || list.Licences == nil {
			t.Errorf("those that are over: %+v, %v", list, err)
		}

		ok(t, second(c.AddSigningKey(ctx, "press")))
		o.clock.Advance(time.Hour)
		ok(t, second(c.RotateSigningKey(ctx, "press")))
		ok(t, second(c.RetireSigningKey(ctx, "press", key.ID, wire.SigningKeyRetirement{Stolen: true})))
		keys, err := c.SigningKeys(ctx, "press")
		ok(t, err)
		if len(keys.Keys) != 2 || keys.Keys[0].State == keys.Keys[1].State {
			t.Errorf("the keys are %+v", keys)
		}

		order.Request = asked + "firm: A\n"
		if p := problemOf(second(c.IssueLicence(ctx, order))); len(p.Fields) != 1 || p.Fields[0].Code != "request_line_unknown_field" || !strings.Contains(p.Fields[0].Detail, "Line 9") {
			t.Errorf("a mistyped field: %+v", p)
		}
		if p := problemOf(second(c.Licence(ctx, "lic_none"))); p.Code != "licence_not_found" || p.Status != http.StatusNotFound {
			t.Errorf("one that there is not: %+v", p)
		}
	})
}
