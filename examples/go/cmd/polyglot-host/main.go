// The third of the hosts of `npm run demo:polyglot`: it loads what the one in Python has made of the data.
//
//	polyglot-host <address>
package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"example.com/cloaca"
)

type decade struct {
	Decade  int     `json:"decade"`
	PPM     float64 `json:"ppm"`
	Celsius float64 `json:"celsius"`
}

type input struct {
	Folder  string   `json:"folder"`
	Decades []decade `json:"decades"`
}

type output struct {
	Rows int `json:"rows"`
}

func main() {
	// The demo tells what happens: only what goes wrong is said here.
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	host, err := cloaca.NewHost(cloaca.Options{
		Address:    os.Args[1],
		HostID:     "go",
		Slots:      1,
		MaxBackoff: 500 * time.Millisecond,
		Logger:     logger,
	})
	if err == nil {
		err = host.Implement("climate", "load", cloaca.Typed(load))
	}
	if err == nil {
		go func() {
			<-host.Ready()
			fmt.Println("ready")
			// It ends with whoever started this process: nobody needs it any more then.
			io.Copy(io.Discard, os.Stdin)
			host.Drain(0, "the demo is gone")
		}()
		err = host.RunUntilSignal(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// load writes the table: under another name first, so that it is there as a whole, however often it is written.
func load(ctx context.Context, in input) (output, error) {
	path := filepath.Join(in.Folder, "climate.csv")
	part, err := os.Create(path + ".part")
	if err != nil {
		return output{}, err
	}
	defer part.Close()
	table := csv.NewWriter(part)
	table.Write([]string{"decade", "ppm", "celsius"})
	for _, one := range in.Decades {
		table.Write([]string{strconv.Itoa(one.Decade), text(one.PPM), text(one.Celsius)})
	}
	if table.Flush(); table.Error() != nil {
		return output{}, table.Error()
	}
	// The computing takes milliseconds: too fast to watch.
	if err := wait(ctx, 900*time.Millisecond); err != nil {
		return output{}, err
	}
	for hold := filepath.Join(in.Folder, "hold-load"); exists(hold); {
		if err := wait(ctx, 20*time.Millisecond); err != nil {
			return output{}, err
		}
	}
	return output{len(in.Decades)}, os.Rename(part.Name(), path)
}

func text(number float64) string { return strconv.FormatFloat(number, 'f', -1, 64) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func wait(ctx context.Context, pause time.Duration) error {
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
