package ui

import (
	"context"
	"fmt"
	"math"
	"strings"

	"guildhall/platform/i18n"
)

// Datum is one value of a chart.
type Datum struct {
	// Label is the day, the name or the state, translated.
	Label string
	Value float64
	// Tone colours a part of a donut; Neutral takes the next grey.
	Tone Tone
}

// chartScale rounds the highest value up to a number that reads well, and
// marks its half where that is a whole number.
type chartScale struct {
	top   float64
	ticks []float64
}

// scaleOf finds a top of 1, 2, 4, 5 or 8 times a power of ten.
func scaleOf(data []Datum) chartScale {
	highest := 0.0
	for _, d := range data {
		highest = max(highest, d.Value)
	}
	if highest == 0 {
		return chartScale{top: 1, ticks: []float64{0, 1}}
	}
	power := math.Pow(10, math.Floor(math.Log10(highest)))
	top := 10 * power
	for _, step := range []float64{1, 2, 4, 5, 8} {
		if step*power >= highest {
			top = step * power
			break
		}
	}
	if math.Mod(top, 2) != 0 { // half of what is counted is none
		return chartScale{top: top, ticks: []float64{0, top}}
	}
	return chartScale{top: top, ticks: []float64{0, top / 2, top}}
}

// percent writes a share of the drawing as SVG reads it.
func percent(share float64) string { return fmt.Sprintf("%.2f%%", 100*share) }

func (s chartScale) share(value float64) float64 { return min(max(value, 0)/s.top, 1) }

// linePoints are the polyline's points in a square of 100 by 100 units.
func linePoints(data []Datum, s chartScale) string {
	var b strings.Builder
	for i, d := range data {
		fmt.Fprintf(&b, "%.2f,%.2f ", centre(i, len(data))*100, 100-100*s.share(d.Value))
	}
	return strings.TrimSpace(b.String())
}

// areaPoints close the line along the ground.
func areaPoints(data []Datum, s chartScale) string {
	return fmt.Sprintf("%.2f,100 %s %.2f,100", centre(0, len(data))*100, linePoints(data, s), centre(len(data)-1, len(data))*100)
}

// centre is where the i-th of n columns has its middle, as a share.
func centre(i, n int) float64 { return (float64(i) + 0.5) / float64(n) }

// labelled says whether the i-th of n labels is drawn: every one up to seven, else
// about six of them, the last one always; and whether a narrow drawing does without
// it: every other of those that are drawn.
func labelled(i, n int) (drawn, spare bool) {
	step := 1
	if n > 7 {
		step = (n + 5) / 6
	}
	fromLast := n - 1 - i
	return fromLast%step == 0, fromLast/step%2 == 1
}

// arc is one part of a donut, on a circle of circumference 100.
type arc struct {
	Datum
	Length, Start float64
	Class         string
}

func arcs(data []Datum) []arc {
	total := sum(data)
	parts := make([]arc, 0, len(data))
	start, grey := 0.0, 0
	for _, d := range data {
		length := 0.0
		if total > 0 {
			length = 100 * max(d.Value, 0) / total
		}
		class := "series-" + string(d.Tone)
		if d.Tone == Neutral {
			class, grey = fmt.Sprintf("series-%d", grey%4), grey+1
		}
		parts = append(parts, arc{Datum: d, Length: length, Start: start, Class: class})
		start += length
	}
	return parts
}

func sum(data []Datum) float64 {
	total := 0.0
	for _, d := range data {
		total += max(d.Value, 0)
	}
	return total
}

// summary is what a screen reader says of the drawing.
func summary(ctx context.Context, data []Datum) string {
	parts := make([]string, 0, len(data))
	for _, d := range data {
		parts = append(parts, d.Label+" "+i18n.Number(ctx, d.Value))
	}
	return i18n.List(ctx, parts)
}
