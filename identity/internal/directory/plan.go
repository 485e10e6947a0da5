package directory

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/mail"
)

// maxName is the most characters of a name, as for people who register themselves.
const maxName = 64

// step is what a run has to do about one person.
type step struct {
	Entry
	person Person
	// known is who was imported, nil for somebody new.
	known *store.Imported
}

// plan is what a run has to do.
type plan struct {
	steps   []step
	read    int
	ignored int
	// active is how many imported accounts are not disabled.
	active int
}

// planner compares who is in the directory with who was imported.
type planner struct {
	plan
	// owner is the account that has the address, or "".
	owner func(ctx context.Context, emailKey string) (string, error)
	// shared counts the people of the directory who have an address.
	shared map[string]int
}

func (s *Service) plan(ctx context.Context, people []Person) (plan, error) {
	known, err := s.o.Store.Imported(ctx)
	if err != nil {
		return plan{}, err
	}
	p := planner{shared: map[string]int{}, owner: func(ctx context.Context, key string) (string, error) {
		row, err := s.o.Store.AccountOf(ctx, key)
		if err != nil || row == nil {
			return "", err
		}
		return row.ID, nil
	}}
	return p.plan, p.compare(ctx, people, known)
}

func (p *planner) compare(ctx context.Context, people []Person, known []*store.Imported) error {
	p.read = len(people)
	was := map[string]*store.Imported{}
	for _, k := range known {
		if was[k.Key] = k; k.State == store.Active {
			p.active++
		}
	}
	for _, x := range people {
		if x.Enabled {
			p.shared[account.EmailKey(x.Email)]++
		}
	}
	for _, x := range people {
		if err := p.one(ctx, x, was[x.Key]); err != nil {
			return err
		}
		delete(was, x.Key)
	}
	for _, k := range known {
		if was[k.Key] != nil {
			p.left(k)
		}
	}
	return nil
}

func (p *planner) one(ctx context.Context, x Person, known *store.Imported) error {
	x.Name = cleanName(x.Name, x.Email)
	switch {
	case known == nil && !x.Enabled:
		p.ignored++
		return nil
	case known == nil:
		why, err := p.refuses(ctx, x, "")
		if err != nil {
			return err
		}
		if why != "" {
			p.do(Skipped, x, nil, why)
			return nil
		}
		p.do(Added, x, nil)
		return nil
	case known.Account == "":
		if x.Enabled {
			p.do(Skipped, x, known, WhyDeletedHere)
		}
		return nil
	case !x.Enabled:
		if known.State == store.Active {
			p.do(Disabled, x, known, WhyDisabled)
		}
		return nil
	case known.State != store.Active && !known.Off:
		p.do(Skipped, x, known, WhyDisabledHere)
		return nil
	}
	return p.again(ctx, x, known)
}

// again is for somebody who was imported and may be here.
func (p *planner) again(ctx context.Context, x Person, known *store.Imported) error {
	var why []string
	if x.Email != "" && x.Email != known.Email {
		refused, err := p.refuses(ctx, x, known.Account)
		if err != nil {
			return err
		}
		if refused == "" {
			why = append(why, WhyEmail)
		} else {
			p.do(Skipped, x, known, refused)
			x.Email = known.Email
		}
	} else {
		x.Email = known.Email
	}
	if x.Name != known.Name {
		why = append(why, WhyName)
	}
	if !sameDN(x.DN, known.DN) {
		why = append(why, WhyMoved)
	}
	switch {
	case known.State != store.Active:
		p.do(Enabled, x, known, why...)
	case len(why) > 0:
		p.do(Changed, x, known, why...)
	}
	return nil
}

// left is for somebody who was imported and is no member any more.
func (p *planner) left(known *store.Imported) {
	x := Person{Key: known.Key, DN: known.DN, Email: known.Email, Name: known.Name}
	switch {
	case known.Account == "":
		p.do(forgotten, x, known)
	case known.State == store.Active:
		p.do(Disabled, x, known, WhyRemoved)
	}
}

func (p *planner) do(what string, x Person, known *store.Imported, why ...string) {
	e := Entry{What: what, Why: why, Name: x.Name, Email: x.Email, DN: x.DN}
	if known != nil {
		e.Account = known.Account
	}
	p.steps = append(p.steps, step{Entry: e, person: x, known: known})
}

// refuses says why the address cannot be the account's ("": of a new one).
func (p *planner) refuses(ctx context.Context, x Person, own string) (why string, err error) {
	if x.Email == "" {
		return WhyNoEmail, nil
	}
	if _, err := mail.ParseAddress(x.Email); err != nil {
		return WhyBadEmail, nil //nolint:nilerr // the report says it
	}
	key := account.EmailKey(x.Email)
	if p.shared[key] > 1 {
		return WhyTwice, nil
	}
	owner, err := p.owner(ctx, key)
	if owner != "" && owner != own {
		why = WhyTaken
	}
	return why, err
}

// within is nil when the plan disables no more than so many percent of the active
// accounts. A single one is always disabled: of few people one is many percent.
func (p *plan) within(limit int) error {
	disabled := 0
	for _, s := range p.steps {
		if s.What == Disabled {
			disabled++
		}
	}
	if disabled > 1 && disabled*100 > limit*p.active {
		return ErrLimit.With(map[string]any{"Count": disabled, "Active": p.active, "Limit": limit})
	}
	return nil
}

// cleanName is a name as accounts have it; the address's beginning when there is
// none.
func cleanName(text, email string) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, norm.NFC.String(text))
	name := strings.Join(strings.Fields(text), " ")
	if name == "" {
		name, _, _ = strings.Cut(email, "@")
	}
	if runes := []rune(name); len(runes) > maxName {
		name = strings.TrimSpace(string(runes[:maxName]))
	}
	return name
}

// language is the nearest of ours to what the directory says, such as "pl-PL,en".
func language(said, standard string) string {
	first, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(said)), "-")
	first, _, _ = strings.Cut(first, ",")
	languages := i18n.Languages()
	i := slices.IndexFunc(languages, func(l i18n.Language) bool {
		ours, _, _ := strings.Cut(strings.ToLower(l.Code), "-")
		return ours == strings.TrimSpace(first)
	})
	if i < 0 {
		return standard
	}
	return languages[i].Code
}
