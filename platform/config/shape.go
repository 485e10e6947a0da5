package config

import (
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// maxDepth is more than any section nests.
const maxDepth = 16

// checkShape refuses repeated keys, keys that are no words, and everything by
// which a value would stand elsewhere than where it is used.
func checkShape(p *problems, n *yaml.Node, path string) {
	checkDepth(p, n, path, 0)
}

func checkDepth(p *problems, n *yaml.Node, path string, depth int) {
	switch {
	case depth > maxDepth:
		p.at(n.Line, path, "too_deep", "%s nests deeper than %d levels", path, maxDepth)
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		p.at(n.Line, path, "alias", "%s uses a YAML anchor or alias; write the value out", path)
	case n.Kind == yaml.MappingNode:
		checkKeys(p, n, path, depth)
	case n.Kind == yaml.SequenceNode:
		for i, item := range n.Content {
			checkDepth(p, item, path+"["+strconv.Itoa(i)+"]", depth+1)
		}
	}
}

func checkKeys(p *problems, n *yaml.Node, path string, depth int) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Anchor != "" || isNull(key) || key.Value == "<<" {
			p.at(key.Line, path, "bad_key", "%s is not a plain key; write a word followed by a colon", under(path, shown(key.Value)))
			continue
		}
		at := under(path, key.Value)
		if line, twice := first[key.Value]; twice {
			p.at(key.Line, at, "duplicate_key", "%s is set twice, first in line %d; keep one", at, line)
			continue
		}
		first[key.Value] = key.Line
		checkDepth(p, value, at, depth+1)
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// under is the path of a key below a path.
func under(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// what names the sort of a node for an error.
func what(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a group of keys"
	case yaml.SequenceNode:
		return "a list"
	}
	return fmt.Sprintf("the value %s", shown(n.Value))
}
