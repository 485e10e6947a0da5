package license

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/store"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/license/manage"
)

type alarmsInput struct {
	Open   bool `query:"open" doc:"Only those that nobody has acknowledged."`
	Limit  int  `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
	Offset int  `query:"offset" minimum:"0" doc:"How many to pass over."`
}

type alarmInput struct {
	ID string `path:"id" maxLength:"100" doc:"The id of the alarm."`
}

func (s *service) alarmOperations(api huma.API) {
	tags := []string{"Alarms"}
	register(api, huma.Operation{OperationID: "list-alarms", Method: http.MethodGet, Path: "/api/v1/alarms", Tags: tags,
		Summary: "List alarms", Description: "The last first: cards that show too many machines, and addresses that guess keys. What goes on within a day counts in one."},
		s.listAlarms)
	register(api, huma.Operation{OperationID: "acknowledge-alarm", Method: http.MethodPost, Path: "/api/v1/alarms/{id}/acknowledge", Tags: tags,
		Summary: "Acknowledge an alarm", Description: "Says that somebody has looked. Repeating it is harmless: the first stays. Error code: alarm_not_found."},
		s.acknowledgeAlarm, http.StatusNotFound)
}

func (s *service) listAlarms(ctx context.Context, in *alarmsInput) (*app.Output[wire.AlarmList], error) {
	all, total, err := s.store.Alarms(ctx, store.AlarmQuery{Open: in.Open, Limit: in.Limit, Offset: in.Offset})
	return output(wire.AlarmList{Alarms: each(all, wireAlarm), Total: total}, err)
}

func (s *service) acknowledgeAlarm(ctx context.Context, in *alarmInput) (*app.Output[wire.Alarm], error) {
	a, err := s.alarms.Acknowledge(ctx, in.ID, app.Caller(ctx))
	return output(wireAlarm(a), err)
}

func wireAlarm(a store.Alarm) wire.Alarm {
	return wire.Alarm{ID: a.ID, Kind: a.Kind, Card: a.Card, Prefix: a.Prefix, IP: a.IP, Count: a.Count, At: a.At, LastAt: a.LastAt,
		AcknowledgedAt: a.AcknowledgedAt, AcknowledgedBy: a.AcknowledgedBy}
}
