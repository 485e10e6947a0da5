package sandbox

import "guildhall/platform/fault"

// What is wrong with a module that is refused. Its details name what to do.
var (
	// ErrModule says that the bytes are no module that runs here.
	ErrModule = fault.New(fault.Invalid, "function_module", "This is no WebAssembly module that runs here.")
	// ErrImport says that a module wants something that there is not.
	ErrImport = fault.New(fault.Invalid, "function_import", "The module imports what there is not.")
	// ErrLarge says that a module, or a function in it, is too large.
	ErrLarge = fault.New(fault.TooLarge, "function_large", "The module is too large.")
	// ErrSlow says that a module takes too long to compile.
	ErrSlow = fault.New(fault.Invalid, "function_slow", "The module takes too long to compile. Make it smaller.")
	// ErrBusy says that other modules are being compiled for too long already.
	ErrBusy = fault.New(fault.Unavailable, "function_busy", "Other modules are being compiled. Try again in a minute.")
)

func refuse(e *fault.Error, format string, args ...any) error {
	return fault.New(e.Kind, e.Code, format, args...)
}
