package license

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/policy"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/license/manage"
)

type policiesInput struct {
	Product string `query:"product" maxLength:"100" doc:"The id or the code of a product."`
}

type policyInput struct {
	ID string `path:"id" maxLength:"100" doc:"The id of the policy."`
}

type newPolicyInput struct{ Body wire.PolicyCreate }

type changedPolicyInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The id of the policy."`
	Body wire.PolicyChange
}

func (s *service) policyOperations(api huma.API) {
	const path, one = "/api/v1/policies", "/api/v1/policies/{id}"
	tags := []string{"Policies"}
	register(api, huma.Operation{OperationID: "list-policies", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List policies", Description: "By name. Error code: product_not_found."}, s.listPolicies, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "create-policy", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated, MaxBodyBytes: rulesBody,
		Summary: "Make a policy", Description: "Error codes: product_not_found, invalid_fields (of the rules by their place in them, such as time.days)."},
		s.createPolicy, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "get-policy", Method: http.MethodGet, Path: one, Tags: tags,
		Summary: "Read a policy", Description: "Error code: policy_not_found."}, s.getPolicy, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "update-policy", Method: http.MethodPut, Path: one, Tags: tags, MaxBodyBytes: rulesBody,
		Summary:     "Change a policy",
		Description: "Replaces name and rules, for all cards that have it, from their next request on; ends that are set stay. Error codes: policy_not_found, changed_elsewhere (the revision is another by now), invalid_fields."},
		s.updatePolicy, http.StatusNotFound, http.StatusConflict)
}

func (s *service) listPolicies(ctx context.Context, in *policiesInput) (*app.Output[wire.PolicyList], error) {
	product, err := s.productID(ctx, in.Product)
	if err != nil {
		return nil, err
	}
	all, err := s.catalogue.Policies(ctx, product)
	if err != nil {
		return nil, err
	}
	list := wire.PolicyList{Policies: make([]wire.Policy, len(all))}
	for i, p := range all {
		if list.Policies[i], err = wirePolicy(p); err != nil {
			return nil, err
		}
	}
	return output(list, nil)
}

func (s *service) createPolicy(ctx context.Context, in *newPolicyInput) (*app.Output[wire.Policy], error) {
	rules, err := rulesOf(in.Body.Rules)
	if err != nil {
		return nil, err
	}
	return policyAfter(s.catalogue.CreatePolicy(ctx, in.Body.Product, in.Body.Name, rules, app.Caller(ctx)))
}

func (s *service) getPolicy(ctx context.Context, in *policyInput) (*app.Output[wire.Policy], error) {
	return policyAfter(s.catalogue.Policy(ctx, in.ID))
}

func (s *service) updatePolicy(ctx context.Context, in *changedPolicyInput) (*app.Output[wire.Policy], error) {
	rules, err := rulesOf(in.Body.Rules)
	if err != nil {
		return nil, err
	}
	return policyAfter(s.catalogue.ChangePolicy(ctx, in.ID, in.Body.Name, rules, in.Body.Revision, app.Caller(ctx)))
}

func policyAfter(p catalogue.Policy, err error) (*app.Output[wire.Policy], error) {
	if err != nil {
		return nil, err
	}
	return output(wirePolicy(p))
}

// rulesOf are the rules of the wire as the domain knows them: both have one JSON.
func rulesOf(w wire.Rules) (p policy.Policy, err error) { return p, through(w, &p) }

func wirePolicy(p catalogue.Policy) (wire.Policy, error) {
	w := wire.Policy{ID: p.ID, Product: p.Product, Name: p.Name, Revision: p.Revision, MadeAt: p.MadeAt, ChangedAt: p.ChangedAt}
	return w, through(p.Rules, &w.Rules)
}

// through turns a value into another of the same JSON.
func through(from, into any) error {
	text, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("turn the rules of a policy: %w", err)
	}
	return nil
}
