package factor_test

import (
	"fmt"
	"image/color"
	"regexp"
	"testing"

	"github.com/boombuler/barcode/qr"

	"guildhall/identity/internal/factor"
)

var run = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)

// The picture shows the modules that the code has, inside a white border.
func qrPicture(t *testing.T, w *world) {
	e, err := w.BeginTOTP(t.Context(), factor.Owner{Account: w.ann, Session: w.ann, Email: "zażółć@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	code, err := qr.Encode(e.URI, qr.M, qr.Auto)
	if err != nil {
		t.Fatal(err)
	}
	dark := map[[2]int]bool{}
	for _, m := range run.FindAllStringSubmatch(e.QR, -1) {
		var x, y, length, back int
		if _, err := fmt.Sscan(m[1]+" "+m[2]+" "+m[3]+" "+m[4], &x, &y, &length, &back); err != nil || length != back {
			t.Fatalf("a run is %q: %v", m, err)
		}
		for i := range length {
			dark[[2]int{x + i - 4, y - 4}] = true
		}
	}
	side := code.Bounds().Dx()
	for y := -4; y < side+4; y++ {
		for x := -4; x < side+4; x++ {
			inside := x >= 0 && y >= 0 && x < side && y < side
			if want := inside && code.At(x, y) == color.Black; dark[[2]int{x, y}] != want {
				t.Fatalf("the module at %d, %d is not %t", x, y, want)
			}
		}
	}
	if want := fmt.Sprintf(`viewBox="0 0 %d %d"`, side+8, side+8); !regexp.MustCompile(regexp.QuoteMeta(want)).MatchString(e.QR) {
		t.Errorf("there is no %s in %.200s", want, e.QR)
	}
}
