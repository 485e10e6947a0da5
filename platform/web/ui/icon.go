package ui

import (
	"context"
	"io"

	"github.com/a-h/templ"
)

// Icon draws one of the built-in icons, 16 units square, in the text's colour.
// It is hidden from screen readers: the word beside it, or the label of its
// button, says what it means. An unknown name draws a dot.
func Icon(name string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, `<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false"><path d="`+iconPath(name)+`"/></svg>`)
		return err
	})
}

// Icons lists the names that Icon knows, for the design page.
func Icons() []string {
	return []string{"alert", "auto", "ban", "bank", "bell", "cart", "certificate", "chart", "chat", "check",
		"chevron-down", "chevron-left", "chevron-right", "clock", "code", "copy", "device", "directory", "download", "external", "eye", "eye-off", "file",
		"filter", "first", "globe", "home", "info", "key", "link", "list", "lock", "log", "mail", "menu", "moon", "more", "plus",
		"refresh", "search", "server", "settings", "shield", "sign-out", "sort", "sort-down", "sort-up", "sun",
		"ticket", "trash", "upload", "user", "users", "x"}
}

func iconPath(name string) string {
	switch name {
	case "alert":
		return "M8 2.2 14.6 13.6H1.4ZM8 6.4v3.4M8 11.7v.1"
	case "auto":
		return "M2 3h12v8.2H2ZM5.5 13.8h5M8 11.2v2.6"
	case "ban":
		return "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM3.8 3.8l8.4 8.4"
	case "bank":
		return "M2 6.2 8 2.5l6 3.7ZM3.5 8.5v3.2M6.5 8.5v3.2M9.5 8.5v3.2M12.5 8.5v3.2M2 13.8h12"
	case "bell":
		return "M4 11V7a4 4 0 0 1 8 0v4l1.2 1.2H2.8ZM6.8 14.2h2.4"
	case "cart":
		return "M1.5 2.5h2l1.6 7.8h7.2l1.5-5.6H4M6 13.4v.1M11.5 13.4v.1"
	case "certificate":
		return "M13.5 8.5v-6h-11v8.5h6M5 5.2h6M5 8h3M11.8 9.3a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM10.9 13v2l.9-.5.9.5v-2"
	case "chart":
		return "M2.5 2v11.5H14M5.5 11V8M8.5 11V4.5M11.5 11V6.5"
	case "chat":
		return "M2 3h12v8H7l-3 2.8V11H2Z"
	case "check":
		return "m3 8.4 3.3 3.3L13 4.8"
	case "chevron-down":
		return "m4 6 4 4 4-4"
	case "chevron-left":
		return "M10 4 6 8l4 4"
	case "chevron-right":
		return "m6 4 4 4-4 4"
	case "clock":
		return "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM8 4.6V8l2.4 1.6"
	case "code":
		return "M5 4.5 1.5 8 5 11.5M11 4.5 14.5 8 11 11.5M9.4 2.8 6.6 13.2"
	case "copy":
		return "M5.5 5.5h8v8h-8ZM3.2 10.5h-.7v-8h8v.7"
	case "device":
		return "M3.2 3h9.6v7H3.2ZM1.3 12.8h13.4"
	case "directory":
		return "M4 2h9.5v12H4ZM2.3 5H4M2.3 8H4M2.3 11H4M8.7 4.9a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3ZM6.1 11.2c.3-1.3 1.2-2 2.6-2s2.3.7 2.6 2"
	case "download":
		return "M8 2v8M4.8 7 8 10.2 11.2 7M2.5 13.5h11"
	case "external":
		return "M9 2.5h4.5V7M13.3 2.7 7.5 8.5M6.5 3.5h-4v10h10v-4"
	case "eye-off":
		return iconPath("eye") + "M2.500 13.500 13.500 2.500"
	case "eye":
		return "M1.3 8C3 5 5.3 3.6 8 3.6S13 5 14.7 8C13 11 10.7 12.4 8 12.400S3 11 1.3 8ZM8 6.200a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.600Z"
	}
	return iconPathToZ(name)
}

// iconPathToZ is the second half of the set, from f on.
func iconPathToZ(name string) string {
	switch name {
	case "file":
		return "M3.5 1.800h5.500l3.5 3.500v8.900h-9ZM9 1.800v3.500h3.5"
	case "filter":
		return "M2 3.500h12M4.5 8h7M6.8 12.500h2.4"
	case "globe":
		return "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM2.2 8h11.600M8 2c2 1.7 2.8 3.7 2.8 6S10 12.3 8 14c-2-1.7-2.8-3.7-2.8-6S6 3.7 8 2Z"
	case "first":
		return "M4 3.5v9M11.5 4l-4 4 4 4"
	case "home":
		return "M2 7.5 8 2.500l6 5M3.8 6.300v7.200h8.400V6.300M6.6 13.500V9.800h2.800v3.7"
	case "info":
		return "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM8 7.400v3.500M8 5.100v.1"
	case "key":
		return "M5 6.800a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.400ZM7.4 7.700l5.8-5.800M10.5 4.600l2.2 2.2"
	case "link":
		return "M6.7 9.300a2.6 2.6 0 0 0 3.7 0l2.3-2.300A2.6 2.6 0 0 0 9 3.300l-.8.800M9.3 6.700a2.6 2.6 0 0 0-3.7 0L3.3 9A2.6 2.6 0 0 0 7 12.700l.8-.8"
	case "list":
		return "M5.5 3.500h8M5.5 8h8M5.5 12.500h8M2.4 3.500h.1M2.4 8h.1M2.4 12.500h.1"
	case "lock":
		return "M3 7h10v7H3ZM5.2 7V4.800a2.8 2.8 0 0 1 5.6 0V7"
	case "log":
		return "M3 2h10v12H3ZM5.5 5h5M5.5 8h5M5.5 11h3"
	case "mail":
		return "M1.8 3.2h12.4v9.600H1.8ZM1.8 4.200 8 9l6.2-4.800"
	case "menu":
		return "M2 4h12M2 8h12M2 12h12"
	case "moon":
		return "M13.5 9.700A6 6 0 0 1 6.3 2.500a6 6 0 1 0 7.2 7.200Z"
	case "more":
		return "M3 8h.1M8 8h.1M13 8h.1"
	case "plus":
		return "M8 2.800v10.400M2.8 8h10.4"
	case "refresh":
		return "M13.5 2.500v3.700H9.800M13.2 6A5.6 5.6 0 1 0 13.6 9"
	case "search":
		return "M7 2.500a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.3 10.300l3.5 3.5"
	case "server":
		return "M2.5 2.500h11v4.600h-11ZM2.5 8.900h11v4.600h-11ZM5 4.800h.1M5 11.200h.1"
	case "settings":
		return "M2 4.500h6.500M11.5 4.500H14M10 3v3M2 11.500h2.500M7.5 11.500H14M6 10v3"
	case "shield":
		return "M8 1.8 13 3.600v4.200c0 3-2 5.1-5 6.4-3-1.3-5-3.4-5-6.400V3.600ZM5.8 7.900l1.6 1.6 2.9-3"
	case "sign-out":
		return "M6.5 2.500h-4v11h4M6.5 8h7.300M11 5l3 3-3 3"
	case "sort":
		return "m5 6 3-3 3 3M5 10l3 3 3-3"
	case "sort-down":
		return "M8 3v10M4.5 9.5 8 13l3.5-3.5"
	case "sort-up":
		return "M8 13V3M4.5 6.5 8 3l3.5 3.5"
	case "sun":
		return "M8 5.200a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.600ZM8 1.300v1.400M8 13.300v1.400M1.3 8h1.400M13.3 8h1.400M3.3 3.300l1 1M11.7 11.700l1 1M3.3 12.700l1-1M11.7 4.300l1-1"
	case "ticket":
		return "M2 4h12v2.500a1.5 1.5 0 0 0 0 3V12H2V9.500a1.5 1.5 0 0 0 0-3ZM9.5 4v1.500M9.5 7.300v1.400M9.5 10.500V12"
	case "trash":
		return "M2.5 4h11M6 4V2.300h4V4M4 4l.6 9.700h6.800L12 4M6.6 6.800v4M9.4 6.800v4"
	case "upload":
		return "M8 10.200V2.200M4.8 5.2 8 2l3.2 3.200M2.5 13.500h11"
	case "user":
		return "M8 2.300a2.9 2.9 0 1 0 0 5.8 2.9 2.9 0 0 0 0-5.800ZM2.6 14c.5-2.7 2.5-4 5.4-4s4.9 1.3 5.4 4"
	case "users":
		return "M6 2.8a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5ZM1.3 13.5c.4-2.5 2-3.7 4.7-3.7s4.3 1.2 4.7 3.7M10.6 3a2.5 2.5 0 0 1 0 4.6M12.2 10.1c1.5.5 2.3 1.6 2.6 3.4"
	case "x":
		return "m3.8 3.8 8.4 8.400M12.2 3.800l-8.4 8.4"
	}
	return "M8 7.900v.2"
}
