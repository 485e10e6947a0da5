// Package ui holds the components that pages are made of. A component without
// content of its own is a struct that is a templ.Component:
//
//	@ui.Button{Label: i18n.T(ctx, "ca.issue.submit"), Primary: true}
//
// One that frames content is a function with children:
//
//	@ui.Card(i18n.T(ctx, "ca.home.expiring")) { ... }
//
// Labels, titles and texts are given translated. What a component says by
// itself it finds under "web." in the design system's catalogue. Everything
// works without JavaScript; app.js and htmx make it quicker. The page /design
// shows every component in every state.
package ui
