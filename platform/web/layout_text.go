package web

import (
	"context"
	"strconv"

	"guildhall/platform/i18n"
)

func documentTitle(ctx context.Context, v view) string {
	if v.Service == "" {
		return v.Title + " · guildhall"
	}
	return v.Title + " · " + serviceTitle(ctx, v.Service) + " · guildhall"
}

// serviceTitle is the service's name in the reader's language; the bare domain
// has none of its own and is called after what it shows.
func serviceTitle(ctx context.Context, name string) string {
	if name == "" {
		return i18n.T(ctx, "web.services")
	}
	return i18n.T(ctx, name+".service.title")
}

func languageName(code string) string {
	for _, l := range i18n.Languages() {
		if l.Code == code {
			return l.Name
		}
	}
	return code
}

// colorScheme tells the browser which scheme to paint before the style sheet
// is there.
func colorScheme(theme string) string {
	if theme == "auto" {
		return "light dark"
	}
	return theme
}

func themeIcon(theme string) string {
	switch theme {
	case "light":
		return "sun"
	case "dark":
		return "moon"
	}
	return "auto"
}

func statusKey(status int) string { return "web.error." + strconv.Itoa(status) }
