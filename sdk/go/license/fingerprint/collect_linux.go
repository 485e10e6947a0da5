package fingerprint

import "context"

func machineParts(_ context.Context, s Sources) []part { return linuxParts("/", s.Root) }
