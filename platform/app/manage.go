package app

import (
	"context"
	"net/http"

	"guildhall/platform/systemd"
)

// manage tells the service manager that the process is ready, and from then on that it
// lives: not by itself, but by a request that it answers. At the stop, end tells that too.
func (a *App) manage(ctx context.Context) (end func()) {
	a.tell(ctx, systemd.Ready)
	watched, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.opts.Manager.Keep(watched, a.answers, func(err error) {
			a.log.ErrorContext(ctx, "the service manager was not told that the process lives", "err", err)
		})
	}()
	return func() {
		cancel()
		<-ended
		a.tell(ctx, systemd.Stopping)
	}
}

// answers asks on the control socket, whose queue strangers do not fill. A database that
// is away is not asked for: no start of this process would bring it back.
func (a *App) answers(ctx context.Context) error {
	c, err := Dial(ctx, a.cfg.Server.Data)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Do(ctx, http.MethodGet, "/healthz", nil, nil)
}

func (a *App) tell(ctx context.Context, state string) {
	if err := a.opts.Manager.Tell(state); err != nil {
		a.log.WarnContext(ctx, "the service manager was not told", "state", state, "err", err)
	}
}
