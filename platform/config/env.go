package config

import (
	"reflect"
	"strings"
)

// environment overrides v, the section's struct, by variables, and refuses
// those that begin with the section's name and fit no field.
func (d *decoder) environment(v reflect.Value, section string) {
	d.inFile = map[string]bool{}
	d.fromVariables(v, section)
	d.mapsFromVariables(v, section)
	for _, name := range d.variables(variable(section) + "_") {
		if !d.used[name] {
			d.add(name, "unknown_key", "environment variable %s: %s", name, knownVariables(name, d.names))
		}
	}
}

func knownVariables(name string, known []string) string {
	return "no key has this name; " + strings.Replace(knownKeys(name, known), "known keys", "known variables", 1)
}

// oneVariable says whether the text of one variable fills a value of the type.
func oneVariable(t reflect.Type) bool {
	return isScalar(t) || t.Kind() == reflect.Slice && isScalar(t.Elem())
}

// fromVariables fills the scalars and lists of a struct.
func (d *decoder) fromVariables(v reflect.Value, path string) {
	for _, f := range fieldsOf(v) {
		at := under(path, f.key)
		t := f.value.Type()
		switch {
		case oneVariable(t):
			d.names = append(d.names, variable(at))
			if text, set := d.env[variable(at)]; set {
				d.variable(f, text, variable(at), at)
			}
		case t.Kind() == reflect.Struct:
			d.fromVariables(f.value, at)
		}
	}
}

// mapsFromVariables fills maps with the variables that no field has taken.
func (d *decoder) mapsFromVariables(v reflect.Value, path string) {
	for _, f := range fieldsOf(v) {
		at := under(path, f.key)
		t := f.value.Type()
		switch {
		case t.Kind() == reflect.Struct && !isScalar(t):
			d.mapsFromVariables(f.value, at)
		case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String && oneVariable(t.Elem()):
			d.names = append(d.names, variable(at)+"_<NAME>")
			d.entries(f.value, at)
		}
	}
}

// entries adds a map's entries from the variables that begin with its name.
func (d *decoder) entries(v reflect.Value, path string) {
	start := variable(path) + "_"
	for _, name := range d.variables(start) {
		key := strings.ToLower(strings.TrimPrefix(name, start))
		if d.used[name] || key == "" {
			continue
		}
		f := field{key: key, value: reflect.New(v.Type().Elem()).Elem()}
		if isSecret(v.Type().Elem()) && strings.HasSuffix(key, fileSuffix) {
			f.fromFile = true
			key = strings.TrimSuffix(key, fileSuffix)
		}
		d.variable(f, d.env[name], name, under(path, f.key))
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), f.value)
	}
}

// variable fills one field with the text of a variable.
func (d *decoder) variable(f field, text, name, path string) {
	d.used[name] = true
	var err error
	switch {
	case isSecret(f.value.Type()):
		d.secretVariable(f, text, name, path)
		return
	case isScalar(f.value.Type()):
		err = setScalar(f.value, text)
	default:
		err = setList(f.value, text)
	}
	if err != nil {
		value := ": " + shown(text)
		if holdsSecret(f.value.Type()) {
			value = ""
		}
		d.add(path, "wrong_type", "environment variable %s%s %v", name, value, err)
		return
	}
	d.record(f.value, path, name)
}

func (d *decoder) secretVariable(f field, text, name, path string) {
	target := path
	fill := setScalar
	if f.fromFile {
		target, fill = strings.TrimSuffix(path, fileSuffix), readSecret
	}
	if d.inFile[target] {
		d.add(path, "set_twice", "environment variables %s and %s are both set; keep one",
			variable(target), variable(target)+strings.ToUpper(fileSuffix))
		return
	}
	d.inFile[target] = true
	if err := fill(f.value, text); err != nil {
		d.add(path, "wrong_type", "environment variable %s %v", name, err)
		return
	}
	d.record(f.value, target, name)
}

// setList fills a list with the items between commas.
func setList(v reflect.Value, text string) error {
	items := strings.Split(text, ",")
	if strings.TrimSpace(text) == "" {
		items = nil
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if err := setScalar(list.Index(i), strings.TrimSpace(item)); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}
