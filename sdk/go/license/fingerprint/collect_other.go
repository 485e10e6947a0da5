//go:build !linux && !windows && !darwin

package fingerprint

import "context"

func machineParts(context.Context, Sources) []part { return nil }
