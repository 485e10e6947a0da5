// Package config reads guildhall.yaml and the environment into the structs of
// their owners, and refuses what it does not know.
//
// Every top-level key of the file is a section with a struct of its own, whose
// defaults the owner fills in before Decode:
//
//	file, err := config.Load("guildhall.yaml", os.Environ())
//	server := app.ServerConfig{HTTP: "127.0.0.1:8080"}
//	err = file.Decode("server", &server)
//	err = file.Check("server", "log")   // any other top-level key is refused
//
// A field takes part when it has a yaml tag. Fields are strings, booleans,
// numbers, [Secret], [Duration], [Size] or any other encoding.TextUnmarshaler,
// structs, and lists and string-keyed maps of these.
//
// A variable GUILDHALL_<SECTION>_<FIELD> overrides the file: server.tls_cert is
// GUILDHALL_SERVER_TLS_CERT, and databases.services.bank, an entry of a map, is
// GUILDHALL_DATABASES_SERVICES_BANK. A list is written with commas between its
// items; a list of structs only in the file.
//
// A secret may come from a file of its own: password_file, or the variable
// ending in _PASSWORD_FILE, names a file whose text, without the line break at
// its end, becomes the password.
//
// Anchors, aliases and merge keys of YAML are refused: a reader of the file
// should see each value where it is used.
package config
