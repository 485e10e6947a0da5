package guildtest

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

//go:embed axe/axe.min.js
var axeScript string

// Violation is one rule of accessibility that a page breaks.
type Violation struct {
	// Rule is axe's name of it, as "color-contrast".
	Rule string `json:"id"`
	// Impact is "minor", "moderate", "serious" or "critical".
	Impact string `json:"impact"`
	// Help says what should be; HelpURL explains it.
	Help    string          `json:"help"`
	HelpURL string          `json:"helpUrl"`
	Nodes   []ViolationNode `json:"nodes"`
}

// ViolationNode is one element that breaks the rule.
type ViolationNode struct {
	// Target is the selector that leads to it, through frames and shadow roots.
	Target []any `json:"target"`
	// HTML is the element's own text.
	HTML string `json:"html"`
	// Summary says what to mend.
	Summary string `json:"failureSummary"`
}

// String tells the rule and each element on lines of their own.
func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s\n  %s", v.Rule, v.Impact, v.Help, v.HelpURL)
	for _, n := range v.Nodes {
		fmt.Fprintf(&b, "\n  at %v: %s\n    %s", n.Target, n.HTML, strings.ReplaceAll(n.Summary, "\n", "\n    "))
	}
	return b.String()
}

// Axe fails the test for every rule of accessibility (WCAG 2.2 A and AA, and
// axe's best practices) that the page in the tab breaks.
func Axe(t *testing.T, ctx context.Context) {
	t.Helper()
	violations, err := Violations(ctx)
	if err != nil {
		t.Fatalf("run axe: %v", err)
	}
	for _, v := range violations {
		t.Errorf("accessibility: %s", v)
	}
}

// axeRun runs every rule but the experimental ones.
const axeRun = `axe.run(document, {
	runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
	rules: {"target-size": {enabled: true}},
	resultTypes: ["violations"],
}).then(r => r.violations)`

// Violations are the rules of accessibility that the page in the tab breaks.
func Violations(ctx context.Context) ([]Violation, error) {
	there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`"axe" in window`))
	if err == nil && !there {
		err = chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](axeScript))
	}
	if err != nil {
		return nil, fmt.Errorf("load axe: %w", err)
	}
	return chromedp.Run(ctx, chromedp.Evaluate[[]Violation](axeRun, chromedp.EvalAwaitPromise))
}
