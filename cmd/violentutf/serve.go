package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage/datadir"
)

// sampleUser owns the sample data.
const sampleUser = "sample"

func (c *command) serve(ctx context.Context, args []string) error {
	set := c.flags("serve", "")
	listen := set.String("listen", "127.0.0.1:8080", "`address` to serve on; port 0 takes a free one")
	dev := set.Bool("dev", false, "sign tokens with a local key and trust them; loopback addresses only")
	sample := set.Bool("sample", false, "import the files of <data>/sample for the user \"sample\" first")
	masterKeyFlags(set)
	cost := set.Int("max-cost", server.DefaultCost, "highest `cost` of a GraphQL operation, in rows")
	depth := set.Int("max-depth", server.DefaultDepth, "most `fields` inside each other of a GraphQL operation")
	memory := set.String("duckdb-memory", "1GB", "memory `limit` of the database engine")
	logFormat := set.String("log-format", "text", "text or json")
	logLevel := set.String("log-level", "info", "debug, info, warn or error")
	if err := c.parse(set, args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return usageError("serve takes no arguments")
	}
	if *cost < 1 || *depth < 1 {
		return usageError("--max-cost and --max-depth must be 1 or more")
	}
	if !*dev {
		return usageError("no identity provider is configured, so nobody could sign in: pass --dev to serve on this machine with a local issuer of tokens")
	}
	if err := loopbackOnly(*listen); err != nil {
		return err
	}
	log, err := c.logger(*logFormat, *logLevel)
	if err != nil {
		return err
	}
	server.CollectGarbageRarely()
	h, err := house.Open(ctx, house.Options{Dir: text(set, "data"), Salt: c.getenv("PYRIT_DB_SALT"), MemoryLimit: *memory, MasterKey: c.masterKey(set), Log: log})
	if errors.Is(err, datadir.ErrLocked) {
		return fmt.Errorf("%w: a server or an import is running there; stop it, or serve another folder with --data", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close(context.WithoutCancel(ctx))) }()
	issuer, err := auth.OpenDevIssuer(h.ConfigDir())
	if err != nil {
		return err
	}
	users := []server.DevUser{{Username: "admin", Role: auth.RoleAdmin}}
	if *sample {
		users = append([]server.DevUser{{Username: sampleUser, Role: auth.RoleUser}}, users...)
		if err := c.importSample(ctx, h); err != nil {
			return err
		}
	}
	srv := server.New(server.Options{
		House: h, Issuer: issuer, Dev: true, Version: version(), DevUsers: users, Log: log,
		Limits: server.Limits{Cost: *cost, Depth: *depth},
	})
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", *listen, err)
	}
	base := "http://" + listener.Addr().String()
	fmt.Fprintf(c.stdout, "listening on %s\n", base)
	for _, user := range users {
		fmt.Fprintf(c.stdout, "GraphiQL as %s (%s): %s%s\n", user.Username, user.Role, base, srv.SignInLink(user.Username, user.Role))
	}
	return srv.Serve(ctx, listener)
}

// loopbackOnly keeps dev mode, in which anybody at the machine can be anybody, off
// the network.
func loopbackOnly(listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return usageError(fmt.Sprintf("--listen %s: %v", listen, err))
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usageError(fmt.Sprintf("--dev serves on loopback addresses only, and %s is none: use 127.0.0.1:PORT", listen))
	}
	return nil
}

// importSample imports the sample files into the sample user's workspace, unless
// that has data already.
func (c *command) importSample(ctx context.Context, h *house.House) error {
	marker := filepath.Join(h.Dir, filepath.FromSlash(h.PersonalFile(sampleUser)))
	if _, err := os.Stat(marker); err == nil {
		return nil
	}
	folder := filepath.Join(h.Dir, "sample")
	files, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, file := range files {
		if filepath.Ext(file.Name()) == ".md" {
			continue
		}
		imp, err := h.Import(ctx, sampleUser, filepath.Join(folder, file.Name()), interop.Options{})
		if err != nil {
			return fmt.Errorf("sample data: %w", err)
		}
		fmt.Fprintf(c.stderr, "imported the sample file %s\n", imp.FileName)
	}
	return nil
}
