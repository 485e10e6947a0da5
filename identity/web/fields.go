package web

import (
	"context"

	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Labels are what the summary of a form's errors calls its fields.
func labels(ctx context.Context) map[string]string {
	return map[string]string{"email": i18n.T(ctx, "identity.field.email"), "password": i18n.T(ctx, "identity.field.password"),
		"name": i18n.T(ctx, "identity.field.name"), "code": i18n.T(ctx, "identity.field.code"), "old": i18n.T(ctx, "identity.field.old"),
		"new": i18n.T(ctx, "identity.field.new"), "language": i18n.T(ctx, "identity.field.language"), "theme": i18n.T(ctx, "identity.field.theme")}
}

// coded are the labels of a form whose code is not that of a letter.
func coded(ctx context.Context, code string) map[string]string {
	all := labels(ctx)
	all["code"] = code
	return all
}

// choosing are the labels of a form whose password is a new one.
func choosing(ctx context.Context) map[string]string {
	all := labels(ctx)
	all["password"] = all["new"]
	return all
}

func (v Code) labels(ctx context.Context) map[string]string {
	if v.NewPassword {
		return choosing(ctx)
	}
	return labels(ctx)
}

// label is what the field of the code is called.
func (v SecondFactor) label(ctx context.Context) string {
	if v.Way == WayRecovery {
		return i18n.T(ctx, "identity.field.recovery")
	}
	return i18n.T(ctx, "identity.field.totp")
}

func presentLabel(ctx context.Context, name string) string {
	if name == "password" {
		return i18n.T(ctx, "identity.field.password")
	}
	return i18n.T(ctx, "identity.field.old")
}

func languages() []ui.Option {
	var list []ui.Option
	for _, l := range i18n.Languages() {
		list = append(list, ui.Option{Value: l.Code, Label: l.Name})
	}
	return list
}

func themes(ctx context.Context) []ui.Option {
	return []ui.Option{{Value: "auto", Label: i18n.T(ctx, "identity.theme.auto")}, {Value: "light", Label: i18n.T(ctx, "identity.theme.light")},
		{Value: "dark", Label: i18n.T(ctx, "identity.theme.dark")}}
}
