package identity

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/platform/app"
	"guildhall/platform/jobs"
	"guildhall/platform/mail"
	wire "guildhall/sdk/go/identity"
)

type lettersInput struct {
	State  string `query:"state" enum:"waiting,running,dead" doc:"waiting: tried again by itself; running: being tried now; dead: given up."`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
	Offset int    `query:"offset" minimum:"0" doc:"How many to pass over."`
}

type letterInput struct {
	ID string `path:"id" maxLength:"100" doc:"The id of the letter's job."`
}

func (s *service) letterOperations(api huma.API) {
	tags := []string{"Letters"}
	look(api, huma.Operation{OperationID: "list-letters", Method: http.MethodGet, Path: "/api/v1/letters", Tags: tags,
		Summary: "List letters that failed", Description: "Those that could not be sent at their last attempt, the newest first. To whom they go is in no answer."}, s.listLetters)
	app.Register(api, huma.Operation{OperationID: "retry-letter", Method: http.MethodPost, Path: "/api/v1/letters/{id}/retry", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Send a letter again that was given up", Description: "With all its attempts. One whose content has run out meanwhile is given up again. Error code: letter_not_failed."},
		s.retryLetter, http.StatusNotFound)
}

func (s *service) listLetters(ctx context.Context, in *lettersInput) (*app.Output[wire.LetterList], error) {
	all, total, err := s.letters.Failures(ctx, mail.FailedFilter{State: jobs.State(in.State), Limit: in.Limit, Offset: in.Offset})
	if err != nil {
		return nil, err
	}
	failed, err := s.letters.GivenUp(ctx)
	if err != nil {
		return nil, err
	}
	out := &wire.LetterList{Letters: []wire.Letter{}, Total: total, Failed: failed}
	for _, l := range all {
		out.Letters = append(out.Letters, wireLetter(l))
	}
	return &app.Output[wire.LetterList]{Body: out}, nil
}

func (s *service) retryLetter(ctx context.Context, in *letterInput) (*struct{}, error) {
	return nil, s.letters.Again(ctx, in.ID, app.Caller(ctx))
}

func wireLetter(l mail.Failed) wire.Letter {
	w := wire.Letter{ID: l.ID, Template: l.Template, State: string(l.State), Attempts: l.Attempts, Error: l.Error, QueuedAt: l.Queued}
	if !l.Next.IsZero() {
		w.NextAt = &l.Next
	}
	if !l.Until.IsZero() {
		w.Until = &l.Until
	}
	return w
}
