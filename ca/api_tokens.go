package ca

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/platform/app"
	wire "guildhall/sdk/go/ca"
)

type tokenInput struct{ Body wire.TokenRequest }

type tokenIDInput struct {
	ID string `path:"id" maxLength:"100" doc:"Id of the join token."`
}

func (s *service) tokenOperations(api huma.API) {
	tags := []string{"Join tokens"}
	register(api, huma.Operation{OperationID: "create-join-token", Method: http.MethodPost, Path: "/api/v1/join-tokens", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Make a join token", Description: "A single-use permission for one service to get its first certificate, or a new first one after a revocation. The text is in this answer alone."},
		s.createToken)
	register(api, huma.Operation{OperationID: "list-join-tokens", Method: http.MethodGet, Path: "/api/v1/join-tokens", Tags: tags,
		Summary: "List join tokens", Description: "The newest 500, without their texts."}, s.listTokens)
	register(api, huma.Operation{OperationID: "withdraw-join-token", Method: http.MethodDelete, Path: "/api/v1/join-tokens/{id}", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Withdraw a join token", Description: "Error codes: join_token_not_found, join_token_ended (it was used or withdrawn before)."},
		s.withdrawToken, http.StatusNotFound, http.StatusConflict)
}

func (s *service) createToken(ctx context.Context, in *tokenInput) (*app.SecretOutput[wire.NewToken], error) {
	if err := recent().Check(ctx, s.now()); err != nil {
		return nil, err
	}
	life, err := lifetime(in.Body.Lifetime)
	if err != nil {
		return nil, err
	}
	text, kept, err := s.tokens.Create(ctx, in.Body.Service, life, app.Caller(ctx))
	if err != nil {
		return nil, err
	}
	return app.SecretAnswer(http.StatusCreated, &wire.NewToken{Token: wireToken(kept, s.now()), Text: text.Text()}), nil
}

func (s *service) listTokens(ctx context.Context, _ *struct{}) (*app.Output[wire.TokenList], error) {
	all, err := s.tokens.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &wire.TokenList{Tokens: []wire.Token{}}
	for _, t := range all {
		out.Tokens = append(out.Tokens, wireToken(t, s.now()))
	}
	return &app.Output[wire.TokenList]{Body: out}, nil
}

func (s *service) withdrawToken(ctx context.Context, in *tokenIDInput) (*struct{}, error) {
	return nil, s.tokens.Withdraw(ctx, in.ID, app.Caller(ctx))
}
