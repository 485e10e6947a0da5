package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"guildhall/platform/fault"
)

// readText reads a file that a flag or an argument names; an empty path is an
// empty text. An empty file is a mistake: it would pass for no file at all.
func readText(flag, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", unreadable(flag, path, err)
	}
	if strings.TrimSpace(string(text)) == "" {
		return "", fault.Fields(fault.Field{Name: flag, Code: "empty", Detail: path + " is empty. Was it written completely, and is it the right file?"})
	}
	return string(text), nil
}

func unreadable(flag, path string, err error) error {
	return fault.Fields(fault.Field{Name: flag, Code: "unreadable", Detail: fmt.Sprintf("%s cannot be read: %v. Check the path, the owner and the mode.", path, reason(err))})
}

func unwritable(flag, path string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return fault.Fields(fault.Field{Name: flag, Code: "exists", Detail: path + " is there already. Give another name, or move it away."})
	}
	return fault.Fields(fault.Field{Name: flag, Code: "not_writable", Detail: fmt.Sprintf("%q cannot be made: %v. Give another path.", path, reason(err))})
}

// reason is what the system said, without the operation and the path.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
