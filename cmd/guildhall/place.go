package main

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"guildhall/platform/app"
	"guildhall/platform/config"
	"guildhall/platform/fault"
	"guildhall/platform/obs"
)

// place is the pair of flags with which every command finds its process.
type place struct {
	Data   string `help:"Data directory (default: ./guildhall-data, or server.data of the configuration)." placeholder:"DIR"`
	Config string `help:"Configuration file." placeholder:"FILE" env:"GUILDHALL_CONFIG"`
}

// settings is a configuration as one command sees it: defaults, then the file,
// then the environment, then flags.
type settings struct {
	file   *config.File
	config app.Config
	defs   []app.Definition
}

// load reads the configuration for the commands; every section is decoded, so
// that a mistake anywhere is found before anything runs.
func (p place) load() (*settings, error) {
	return p.loadAnd(func(*settings) error { return nil })
}

// loadAnd is load with a further check, whose mistakes are told with the others.
func (p place) loadAnd(further func(*settings) error) (*settings, error) {
	file, err := config.Load(p.Config, os.Environ())
	if err != nil {
		return nil, err
	}
	s := &settings{file: file, config: app.DefaultConfig(), defs: services()}
	sections := s.sections()
	var known []string
	for _, x := range sections {
		known = append(known, x.Key)
	}
	errs := []error{file.Check(known...)}
	for _, x := range sections {
		errs = append(errs, file.Decode(x.Key, x.Value))
	}
	if p.Data != "" {
		s.config.Server.Data = p.Data
	}
	if err := p.checkData(s.config.Server.Data); err != nil {
		return nil, err
	}
	return s, s.tell(append(errs, s.checkValues(), further(s))...)
}

// tell says all that is wrong, each with its place.
func (s *settings) tell(errs ...error) error { return s.file.Locate(errors.Join(errs...)) }

// checkValues says what is wrong in any section.
func (s *settings) checkValues() error {
	errs := []error{s.config.Check()}
	for _, d := range s.defs {
		if d.Check != nil {
			errs = append(errs, d.Check())
		}
	}
	return errors.Join(errs...)
}

// checkData refuses a file in the place of the data directory.
func (p place) checkData(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return nil //nolint:nilerr // a directory that is not there is made, or missed, by whoever needs it
	}
	name := "server.data"
	if p.Data != "" {
		name = "--data"
	}
	return fault.Fields(fault.Field{Name: name, Code: "not_directory", Detail: path + " is a file. Give the directory in which guildhall keeps its data."})
}

// sections are the process's and then each service's.
func (s *settings) sections() []config.Section {
	all := s.config.Sections()
	for _, d := range s.defs {
		if d.Config != nil {
			all = append(all, config.Section{Key: d.Name, Value: d.Config})
		}
	}
	return all
}

// options for the process, logging to w.
func (s *settings) options(w io.Writer) (app.Options, error) {
	level := new(slog.LevelVar)
	if err := level.UnmarshalText([]byte(s.config.Log.Level)); err != nil {
		return app.Options{}, err
	}
	return app.Options{Definitions: s.defs, Config: s.config, Version: version(), Now: time.Now, Level: level,
		Log: obs.NewLogger(w, obs.LogOptions{Format: s.config.Log.Format, Level: level})}, nil
}
