package guildhall_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowedState are the exceptions, by package and name, each with its reason.
var allowedState = map[string]string{
	"guildhall/cmd/guildhall.stamped":                            "the linker writes the version into it, before the program starts",
	"guildhall/platform/guildtest.shared":                        "one PostgreSQL for a test binary: starting one takes seconds",
	"guildhall/ca/internal/catest.linter":                        "one build of the certificate linter for a test binary",
	"guildhall/identity/internal/directory/directorytest.shared": "one Active Directory for a test binary: making one takes ten seconds",
}

// pureCalls make values that nobody changes afterwards.
var pureCalls = []string{
	"errors.New", "fmt.Errorf", "fault.New", "oauth.NewError", "regexp.MustCompile", "template.Must", "netip.MustParsePrefix", "netip.MustParseAddr",
	"strings.NewReplacer", "big.NewInt", "time.Date", "time.Unix", "reflect.TypeFor", "language.MustParse", "language.NewMatcher",
	"base32.NewEncoding", "idna.New",
}

// stateRules are the laws about what a package keeps for itself.
var stateRules = []rule{
	{"no init()", "importing a package does nothing: what runs is seen in main", func(p pkg) []string {
		return inspect(p, func(_ map[string]bool, d ast.Decl) []string {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				return []string{"func init"}
			}
			return nil
		})
	}},
	{"no package state", "state belongs to a struct that a constructor returns: two of it can live side by side, in tests above all. Package variables are sentinels, patterns, embedded files and tables that nothing writes to", func(p pkg) []string {
		return inspect(p, func(written map[string]bool, d ast.Decl) []string {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				return nil
			}
			return pickState(p.ImportPath, g, written)
		})
	}},
}

// inspect parses a package's files and collects what find says of their
// declarations. written holds the names that some statement assigns to.
func inspect(p pkg, find func(written map[string]bool, d ast.Decl) []string) []string {
	var found []string
	var files []*ast.File
	written := map[string]bool{}
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ParseComments)
		if err != nil {
			return []string{err.Error()}
		}
		files = append(files, f)
		for _, d := range f.Decls {
			noteWrites(written, d)
		}
	}
	for _, f := range files {
		for _, d := range f.Decls {
			found = append(found, find(written, d)...)
		}
	}
	return found
}

// noteWrites adds the names that a declaration writes to, but for those that it
// declares itself.
func noteWrites(written map[string]bool, d ast.Decl) {
	writes, locals := map[string]bool{}, map[string]bool{}
	ast.Inspect(d, func(n ast.Node) bool {
		note(writes, n)
		noteLocals(locals, n)
		return true
	})
	for name := range writes {
		if !locals[name] {
			written[name] = true
		}
	}
}

// noteLocals remembers the names that a function declares.
func noteLocals(locals map[string]bool, n ast.Node) {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE {
			for _, left := range n.Lhs {
				locals[root(left)] = true
			}
		}
	case *ast.RangeStmt:
		locals[root(n.Key)], locals[root(n.Value)] = true, true
	case *ast.Field:
		for _, name := range n.Names {
			locals[name.Name] = true
		}
	case *ast.DeclStmt:
		if g, ok := n.Decl.(*ast.GenDecl); ok {
			for _, s := range g.Specs {
				if v, ok := s.(*ast.ValueSpec); ok {
					locals[v.Names[0].Name] = true
				}
			}
		}
	}
}

// note remembers the variables that a node writes to or takes the address of.
func note(written map[string]bool, n ast.Node) {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE {
			return
		}
		for _, left := range n.Lhs {
			written[root(left)] = true
		}
	case *ast.IncDecStmt:
		written[root(n.X)] = true
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			written[root(n.X)] = true
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "delete" || f.Name == "clear") && len(n.Args) > 0 {
			written[root(n.Args[0])] = true
		}
	}
}

// root is the variable in which an expression begins: x of x.y[3].
func root(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return root(e.X)
	case *ast.IndexExpr:
		return root(e.X)
	case *ast.StarExpr:
		return root(e.X)
	case *ast.ParenExpr:
		return root(e.X)
	case *ast.SliceExpr:
		return root(e.X)
	}
	return ""
}

func pickState(importPath string, g *ast.GenDecl, written map[string]bool) []string {
	var found []string
	for _, s := range g.Specs {
		v, ok := s.(*ast.ValueSpec)
		if !ok || embedded(g, v) {
			continue
		}
		for i, name := range v.Names {
			if name.Name == "_" || allowedState[importPath+"."+name.Name] != "" {
				continue
			}
			if i >= len(v.Values) || !pure(v.Values[i]) || written[name.Name] {
				found = append(found, fmt.Sprintf("var %s", name.Name))
			}
		}
	}
	return found
}

func embedded(g *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{g.Doc, v.Doc} {
		if doc == nil {
			continue
		}
		for _, c := range doc.List {
			if strings.HasPrefix(c.Text, "//go:embed ") {
				return true
			}
		}
	}
	return false
}

// pure says whether an initial value is a table, a constant, or made by one of
// the pureCalls. A map, channel or struct with a lock in it that is filled
// later is caught as written, or as no value at all.
func pure(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit, *ast.CompositeLit, *ast.Ident, *ast.SelectorExpr, *ast.FuncLit:
		return true
	case *ast.UnaryExpr:
		return pure(e.X)
	case *ast.BinaryExpr:
		return pure(e.X) && pure(e.Y)
	case *ast.CallExpr:
		return pureCall(e)
	}
	return false
}

func pureCall(call *ast.CallExpr) bool {
	switch f := call.Fun.(type) {
	case *ast.ArrayType:
		return true // a conversion: []byte("...")
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok && slices.Contains(pureCalls, x.Name+"."+f.Sel.Name) {
			return true
		}
		inner, ok := f.X.(*ast.CallExpr) // fault.New(...).With(...)
		return ok && pureCall(inner)
	case *ast.IndexExpr:
		return pureCall(&ast.CallExpr{Fun: f.X}) // reflect.TypeFor[T]()
	case *ast.Ident:
		return f.Name == "new"
	}
	return false
}

func TestEachStateRuleCatchesItsViolation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code string
		want []string
	}{
		"init":                {"func init() {}", []string{"func init"}},
		"init method":         {"type t struct{}\nfunc (t) init() {}", nil},
		"no value":            {"var cache map[string]int", []string{"var cache"}},
		"made":                {"var cache = make(map[string]int)", []string{"var cache"}},
		"a lock":              {"var mu sync.Mutex", []string{"var mu"}},
		"once":                {"var one = sync.OnceValue(f)", []string{"var one"}},
		"written table":       {"var m = map[string]int{}\nfunc f() { m[\"a\"] = 1 }", []string{"var m"}},
		"deleted":             {"var m = map[string]int{\"a\": 1}\nfunc f() { delete(m, \"a\") }", []string{"var m"}},
		"reassigned":          {"var hook = func() {}\nfunc f() { hook = nil }", []string{"var hook"}},
		"counted":             {"var n = 0\nfunc f() { n++ }", []string{"var n"}},
		"by address":          {"var n = t{}\nfunc f() *t { return &n }", []string{"var n"}},
		"registry":            {"var list = []int{}\nfunc f() { list = append(list, 1) }", []string{"var list"}},
		"a local of its name": {"var hosts = idna.New()\nfunc f() { var hosts []int; hosts = append(hosts, 1) }", nil},
		"table":               {"var m = map[string]int{\"a\": 1}\nfunc f() int { m := 2; return m }", nil},
		"sentinels":           {"var (\n\tErrA = errors.New(\"a\")\n\tErrB = fault.New(1, \"b\", \"b\").With(nil)\n)", nil},
		"pattern":             {"var p = regexp.MustCompile(`a`)", nil},
		"embedded":            {"//go:embed x\nvar fsys embed.FS", nil},
		"implementation":      {"var _ io.Reader = (*t)(nil)", nil},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.go"), []byte("package x\n"+c.code+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, r := range stateRules {
			found = append(found, r.check(pkg{ImportPath: "guildhall/x", Dir: dir, GoFiles: []string{"x.go"}})...)
		}
		if !slices.Equal(found, c.want) {
			t.Errorf("%s: found %q, want %q", name, found, c.want)
		}
	}
}

// An exception that nothing needs any more is one somebody will use by mistake.
func TestEachExceptionIsNeeded(t *testing.T) {
	t.Parallel()
	packages := list(t)
	for exception := range allowedState {
		path := exception[:strings.LastIndexByte(exception, '.')]
		i := slices.IndexFunc(packages, func(p pkg) bool { return p.ImportPath == path })
		if i < 0 || !declares(t, packages[i], exception[len(path)+1:]) {
			t.Errorf("%s is allowed and does not exist", exception)
		}
	}
}

func declares(t *testing.T, p pkg, name string) bool {
	t.Helper()
	found := inspect(p, func(_ map[string]bool, d ast.Decl) []string {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			return pickState("", g, map[string]bool{name: true})
		}
		return nil
	})
	return slices.Contains(found, "var "+name)
}
