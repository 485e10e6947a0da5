package e2e

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// composed is what these tests look at in a compose file.
type composed struct {
	Services map[string]struct {
		Image       string
		Environment map[string]string
		Volumes     []string
		Secrets     []string
	}
	Networks map[string]struct {
		IPv6 bool `yaml:"enable_ipv6"`
	}
	Volumes map[string]any
	Secrets map[string]struct{ File string }
}

// compose reads a file of packaging/ with the variables filled in.
func compose(t *testing.T, name string, variables map[string]string) (c composed) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../packaging", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(filled(t, string(text), variables)), &c); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

var reference = regexp.MustCompile(`\$\{([A-Z0-9_]+)(?::([-?])([^}]*))?\}`)

// filled puts variables into a text as compose does: ${X}, ${X:-default}, ${X:?needed}.
func filled(t *testing.T, text string, variables map[string]string) string {
	t.Helper()
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		part := reference.FindStringSubmatch(found)
		value := variables[part[1]]
		switch {
		case value == "" && part[2] == "-":
			return part[3]
		case value == "" && part[2] == "?":
			t.Errorf("%s is needed, and .env.example gives no value", part[1])
		}
		return value
	})
}

// settings of .env.example.
func envExample(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../packaging/.env.example")
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			variables[name] = value
		}
	}
	for name := range variables {
		if strings.Contains(name, "PASSWORD") {
			t.Errorf("%s is in .env.example: a variable is no place for it", name)
		}
	}
	return variables
}

// secrets are made by the script in a directory of their own. They are the same when it
// runs once more.
func secrets(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	script, err := os.ReadFile("../packaging/secrets.sh")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "secrets.sh"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	var made [2]string
	for i := range made {
		if out, err := exec.Command("sh", filepath.Join(dir, "secrets.sh")).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		text, err := os.ReadFile(filepath.Join(dir, "secrets/database"))
		if err != nil {
			t.Fatal(err)
		}
		made[i] = string(text)
	}
	if made[0] != made[1] {
		t.Errorf("another password: %q, then %q", made[0], made[1])
	}
	if info, err := os.Stat(filepath.Join(dir, "secrets")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others come through %v, %v", info, err)
	}
	return dir
}

// TestPackagingSecrets: what a service is given is a file that secrets.sh makes, and one
// password has the same text on both sides.
func TestPackagingSecrets(t *testing.T) {
	t.Parallel()
	c, dir := compose(t, "compose.yaml", envExample(t)), secrets(t)
	text := map[string]string{}
	for name, s := range c.Secrets {
		read, err := os.ReadFile(filepath.Join(dir, s.File))
		if err != nil {
			t.Error(err)
		}
		text[name] = string(read)
	}
	for name, s := range c.Services {
		for _, secret := range s.Secrets {
			if _, there := text[secret]; !there {
				t.Errorf("%s is given %s, which is no secret", name, secret)
			}
		}
		for variable, value := range s.Environment {
			if secret, ok := strings.CutPrefix(value, "/run/secrets/"); ok && !slices.Contains(s.Secrets, secret) {
				t.Errorf("%s of %s names %s, which it is not given", variable, name, secret)
			}
		}
	}
	valkey := strings.TrimSpace(strings.TrimPrefix(text["valkey.conf"], "requirepass "))
	if len(valkey) < 40 || !strings.Contains(text["shared"], ":"+valkey+"@") {
		t.Errorf("valkey has %q, guildhall %q", text["valkey.conf"], text["shared"])
	}
	if postgres := text["postgres-password"]; len(postgres) < 40 || !strings.Contains(text["database"], ":"+postgres+"@") {
		t.Errorf("PostgreSQL has %q, guildhall %q", postgres, text["database"])
	}
}

// TestPackagingConfiguresWhatThereIs: every setting in packaging/ is one that guildhall
// knows and takes, and nothing is named that is not there.
func TestPackagingConfiguresWhatThereIs(t *testing.T) {
	t.Parallel()
	variables, made := envExample(t), filepath.Join(secrets(t), "secrets")
	image := imageEnvironment(t)
	plain, nginx := compose(t, "compose.yaml", variables), compose(t, "compose.nginx.yaml", variables)
	for _, c := range []composed{plain, nginx} {
		environment := merged(image, plain.Services["guildhall"].Environment, c.Services["guildhall"].Environment)
		for variable, value := range environment {
			environment[variable] = strings.Replace(value, "/run/secrets", made, 1)
		}
		checkConfig(t, environment)
		for name, s := range c.Services {
			if first, _, path := strings.Cut(s.Image, "/"); path && strings.ContainsAny(first, ".:") {
				t.Errorf("%s: the image %s names a registry", name, s.Image)
			}
			for _, mount := range s.Volumes {
				source, _, _ := strings.Cut(mount, ":")
				_, volume := merged(plain.Volumes, c.Volumes)[source]
				if _, err := os.Stat(filepath.Join("../packaging", source)); err != nil && !volume {
					t.Errorf("%s mounts %s, which is neither a volume nor a file", name, source)
				}
			}
		}
	}
	template, err := os.ReadFile("../packaging/nginx/guildhall.conf.template")
	if err != nil {
		t.Fatal(err)
	}
	var used []string
	for _, found := range reference.FindAllStringSubmatch(string(template), -1) {
		used = append(used, found[1])
	}
	slices.Sort(used)
	if given := slices.Sorted(maps.Keys(nginx.Services["nginx"].Environment)); !slices.Equal(slices.Compact(used), given) {
		t.Errorf("the template of nginx uses %v, the compose file gives %v", used, given)
	}
	checkConfig(t, image)
}

// TestPackagingNetworks: whoever comes by IPv6 keeps his address only in networks that have it.
// And nginx has one of its own: when a file changes a network of the other, compose makes it
// anew, and the containers that run are not found by their names in it any more.
func TestPackagingNetworks(t *testing.T) {
	t.Parallel()
	variables := envExample(t)
	plain, nginx := compose(t, "compose.yaml", variables), compose(t, "compose.nginx.yaml", variables)
	for name, n := range merged(plain.Networks, nginx.Networks) {
		if !n.IPv6 {
			t.Errorf("the network %s is without IPv6", name)
		}
	}
	if _, there := plain.Networks["default"]; !there || len(nginx.Networks) == 0 {
		t.Errorf("networks: %v, and of nginx %v", plain.Networks, nginx.Networks)
	}
	for name := range nginx.Networks {
		if _, there := plain.Networks[name]; there {
			t.Errorf("with nginx the network %s is another one", name)
		}
	}
}

// imageEnvironment is what the Dockerfile sets.
func imageEnvironment(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../packaging/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{}
	for _, found := range regexp.MustCompile(`(GUILDHALL_[A-Z_]+)=(\S*)`).FindAllStringSubmatch(string(text), -1) {
		variables[found[1]] = found[2]
	}
	if len(variables) < 4 {
		t.Fatalf("the Dockerfile sets %v", variables)
	}
	return variables
}

func merged[V any](all ...map[string]V) map[string]V {
	sum := map[string]V{}
	for _, m := range all {
		maps.Copy(sum, m)
	}
	return sum
}

// checkConfig has guildhall check a configuration out of variables and arguments.
func checkConfig(t *testing.T, variables map[string]string, args ...string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append([]string{"config", "check"}, args...)...)
	for name, value := range variables {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("guildhall refuses %v: %v\n%s", variables, err, out)
	}
}

func TestPackagingOfTheUnit(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../packaging/systemd/guildhall.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "guildhall.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), "/usr/local/bin/guildhall", path)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", unit}, {"security", "--offline=true", "--threshold=20", unit}} {
		if out, err := exec.Command("systemd-analyze", args...).CombinedOutput(); err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %s (scripts/need.sh installs it): %v\n%s", args[0], err, out)
		}
	}
	config, err := os.ReadFile("../packaging/systemd/guildhall.yaml")
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "smtp-password")
	if err := os.WriteFile(secret, []byte("of the mail server\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "guildhall.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(config), "/etc/guildhall/smtp-password", secret)), 0o600); err != nil {
		t.Fatal(err)
	}
	checkConfig(t, nil, "--config", file)
}

// TestPackagingBuildsTheImage runs the commands of the image's first stage in a scratch
// directory, as they stand in the Dockerfile, and looks at what the last stage copies.
func TestPackagingBuildsTheImage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, command := range buildCommands(t) {
		cmd := exec.Command("sh", "-euc", strings.NewReplacer("/image", dir+"/image", "/own", dir+"/own").Replace(command))
		cmd.Dir, cmd.Env = "..", append(os.Environ(), "VERSION=v1.2.3-test")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	out, err := exec.Command(filepath.Join(dir, "image/usr/bin/guildhall"), "version").Output()
	if err != nil || string(out) != "guildhall v1.2.3-test\n" {
		t.Errorf("the program says %q, %v", out, err)
	}
	if list, err := exec.Command("ldd", filepath.Join(dir, "image/usr/bin/guildhall")).CombinedOutput(); err == nil {
		t.Errorf("the program needs what the image lacks:\n%s", list)
	}
	for path, mode := range map[string]os.FileMode{"own/data": 0o700, "own/data/tls": 0o700, "own/backups": 0o700,
		"own/tmp": 0o777 | os.ModeSticky, "image/etc/passwd": 0o644, "image/etc/ssl/certs/ca-certificates.crt": 0o644} {
		if info, err := os.Stat(filepath.Join(dir, path)); err != nil || info.Mode()&(os.ModePerm|os.ModeSticky) != mode {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
}

// buildCommands are what RUN says in the Dockerfile.
func buildCommands(t *testing.T) (commands []string) {
	t.Helper()
	text, err := os.ReadFile("../packaging/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", "")) {
		if command, ok := strings.CutPrefix(strings.TrimSpace(line), "RUN "); ok {
			commands = append(commands, command)
		}
	}
	if len(commands) < 4 {
		t.Fatalf("the Dockerfile runs %q", commands)
	}
	return commands
}
