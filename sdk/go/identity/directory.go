package identity

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"guildhall/sdk/go/api"
)

// DirectorySettings are how the directory is reached and what is imported.
type DirectorySettings struct {
	Servers  []string `json:"servers" nullable:"false" maxItems:"5" doc:"Tried in this order: ldaps://host, or ldap://host for STARTTLS." example:"[\"ldaps://dc1.example.com\"]"`
	Plain    bool     `json:"plain,omitempty" doc:"No TLS for ldap://. Refused but for this machine in development."`
	Trust    string   `json:"trust" enum:"known,given" doc:"Which authorities may have signed the servers' certificates: known, this installation's own and those of the operating system; given, those in ca alone."`
	CA       string   `json:"ca,omitempty" maxLength:"65536" doc:"PEM certificates, for the trust given."`
	BindDN   string   `json:"bind_dn" maxLength:"1000" doc:"The account that reads: a DN, in Active Directory also name@domain."`
	BaseDN   string   `json:"base_dn" maxLength:"1000" doc:"People outside it are not read." example:"DC=example,DC=com"`
	GroupDN  string   `json:"group_dn" maxLength:"1000" doc:"Its members, and those of the groups in it, are imported." example:"CN=Staff,OU=Groups,DC=example,DC=com"`
	Minutes  int      `json:"minutes" minimum:"5" maximum:"1440" doc:"From one run to the next."`
	Limit    int      `json:"limit" minimum:"1" maximum:"100" doc:"How many percent of the imported accounts one run may disable."`
	Welcome  string   `json:"welcome" enum:"password,link" doc:"What new people get by letter: a generated password that they must change, or a link with which they choose one."`
	SignIn   bool     `json:"sign_in" doc:"Imported people sign in with their password of the directory."`
	Language string   `json:"language" enum:"en,zh-CN,pl" doc:"Of new people whose language the directory does not know."`
}

// DirectoryUpdate replaces the settings.
type DirectoryUpdate struct {
	DirectorySettings
	// Version is that of the settings which are replaced; 0 when there are none.
	Version  int64  `json:"version" doc:"Of the settings that are replaced; 0 when there are none."`
	Password string `json:"password,omitempty" maxLength:"1000" doc:"Of the account that reads. Left out, the one that is kept stays, unless servers change."`
}

// DirectoryState is how the import is set up. Passwords are in no answer.
type DirectoryState struct {
	DirectorySettings
	SetUp   bool       `json:"set_up" doc:"Whether there are settings; else these are the defaults."`
	Version int64      `json:"version"`
	Tried   bool       `json:"tried" doc:"Whether a dry run with these settings went well: only then it can be switched on."`
	Enabled bool       `json:"enabled"`
	DueAt   *time.Time `json:"due_at,omitempty" doc:"When the next run begins; absent while it is off."`
	// Last is the newest run that was not dry; nil before the first.
	Last *DirectoryReport `json:"last,omitempty"`
}

// DirectoryEntry is what became of one person.
type DirectoryEntry struct {
	What    string   `json:"what" enum:"added,changed,disabled,enabled,skipped"`
	Why     []string `json:"why,omitempty" doc:"email, name, moved; removed, disabled; no_email, bad_email, email_taken, email_twice, last_admin, disabled_here, deleted_here."`
	Name    string   `json:"name"`
	Email   string   `json:"email"`
	DN      string   `json:"dn"`
	Account string   `json:"account,omitempty"`
}

// DirectoryReport is what a run did, or would do.
type DirectoryReport struct {
	ID        string           `json:"id"`
	Dry       bool             `json:"dry" doc:"Nothing was changed: what would be."`
	StartedAt time.Time        `json:"started_at"`
	EndedAt   *time.Time       `json:"ended_at,omitempty"`
	Outcome   string           `json:"outcome" enum:"running,done,stopped,failed" doc:"stopped: it would have changed too much and changed nothing; failed: it could not be done to the end."`
	Code      string           `json:"code,omitempty" doc:"Why it was stopped or failed."`
	Detail    string           `json:"detail,omitempty"`
	Exact     string           `json:"exact,omitempty" doc:"What the server said."`
	Read      int              `json:"read" doc:"How many people the directory named."`
	Ignored   int              `json:"ignored" doc:"How many of them are disabled there and were never imported."`
	Added     int              `json:"added"`
	Changed   int              `json:"changed"`
	Disabled  int              `json:"disabled"`
	Enabled   int              `json:"enabled"`
	Skipped   int              `json:"skipped"`
	Entries   []DirectoryEntry `json:"entries" nullable:"false" doc:"At most 2000."`
}

// DirectoryRuns is a page of reports, newest first.
type DirectoryRuns struct {
	Runs  []DirectoryReport `json:"runs" nullable:"false"`
	Total int               `json:"total"`
}

// DirectoryRunRequest asks for a run.
type DirectoryRunRequest struct {
	DryRun bool `json:"dry_run,omitempty" doc:"Change nothing."`
	Beyond bool `json:"beyond_limit,omitempty" doc:"Let this run disable more accounts than the limit allows."`
}

// DirectoryStep is one step of a test.
type DirectoryStep struct {
	Name   string `json:"name" enum:"connect,tls,bind,group,members"`
	Server string `json:"server,omitempty"`
	OK     bool   `json:"ok"`
	Code   string `json:"code,omitempty" doc:"Absent for a step that was not tried, because one before it failed."`
	Detail string `json:"detail,omitempty" doc:"What to do."`
	Exact  string `json:"exact,omitempty" doc:"What the server said."`
	Found  string `json:"found,omitempty" doc:"What was found, in English."`
}

// DirectorySteps are the steps of a test, in their order.
type DirectorySteps struct {
	OK    bool            `json:"ok"`
	Steps []DirectoryStep `json:"steps" nullable:"false"`
}

// Directory says how the import is set up.
func (c *Client) Directory(ctx context.Context) (*DirectoryState, error) {
	return api.Call[DirectoryState](ctx, c.Client, http.MethodGet, "directory", nil)
}

// UpdateDirectory replaces the settings.
func (c *Client) UpdateDirectory(ctx context.Context, u DirectoryUpdate) (*DirectoryState, error) {
	return api.Call[DirectoryState](ctx, c.Client, http.MethodPut, "directory", u)
}

// SwitchDirectory switches the import on or off.
func (c *Client) SwitchDirectory(ctx context.Context, on bool) (*DirectoryState, error) {
	action := "off"
	if on {
		action = "on"
	}
	return api.Call[DirectoryState](ctx, c.Client, http.MethodPost, "directory/"+action, nil)
}

// TestDirectory tries the settings step by step.
func (c *Client) TestDirectory(ctx context.Context) (*DirectorySteps, error) {
	return api.Call[DirectorySteps](ctx, c.Client, http.MethodPost, "directory/test", nil)
}

// RunDirectory runs the import now, and returns when it has ended. A run that failed
// is no error: its report says so.
func (c *Client) RunDirectory(ctx context.Context, r DirectoryRunRequest) (*DirectoryReport, error) {
	return api.Call[DirectoryReport](ctx, c.Client, http.MethodPost, "directory/runs", r)
}

// DirectoryRuns lists reports without their entries, newest first, with an outcome
// ("": any).
func (c *Client) DirectoryRuns(ctx context.Context, outcome string, offset, limit int) (*DirectoryRuns, error) {
	q := url.Values{"outcome": {outcome}, "offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)}}
	if outcome == "" {
		q.Del("outcome")
	}
	return api.Call[DirectoryRuns](ctx, c.Client, http.MethodGet, "directory/runs?"+q.Encode(), nil)
}

// DirectoryRun is one report.
func (c *Client) DirectoryRun(ctx context.Context, id string) (*DirectoryReport, error) {
	return api.Call[DirectoryReport](ctx, c.Client, http.MethodGet, "directory/runs/"+url.PathEscape(id), nil)
}
