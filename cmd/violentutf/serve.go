package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/outbound"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage/datadir"
)

// sampleUser owns the sample data.
const sampleUser = "sample"

func (c *command) serve(ctx context.Context, args []string) (err error) {
	set := c.flags("serve", "")
	listen := set.String("listen", "127.0.0.1:8080", "`address` to serve on; port 0 takes a free one")
	dev := set.Bool("dev", false, "sign tokens with a local key and trust them; loopback addresses only")
	sample := set.Bool("sample", false, "import the files of <data>/sample for the user \"sample\" first")
	identityFlags(set)
	masterKeyFlags(set)
	cost := set.Int("max-cost", server.DefaultCost, "highest `cost` of a GraphQL operation, in rows")
	depth := set.Int("max-depth", server.DefaultDepth, "most `fields` inside each other of a GraphQL operation")
	memory := set.String("duckdb-memory", "1GB", "memory `limit` of the database engine")
	private := set.String("call-private", "", "private `ranges` that generators and webhooks may be called at, as 10.1.0.0/16,127.0.0.0/8; dev mode adds loopback")
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
	ids, err := c.identities(set)
	if err != nil {
		return err
	}
	if err := ids.may(*dev); err != nil {
		return err
	}
	if *dev {
		if err := loopbackOnly(*listen); err != nil {
			return err
		}
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
	if *sample {
		if err := c.importSample(ctx, h); err != nil {
			return err
		}
	}
	policy, err := callable(*private, *dev)
	if err != nil {
		return err
	}
	options := server.Options{Outbound: policy, House: h, Version: version(), Log: log, Limits: server.Limits{Cost: *cost, Depth: *depth}}
	if *dev {
		options.Dev, options.DevUsers = true, devUsers(*sample)
		if options.Issuer, err = auth.OpenDevIssuer(h.ConfigDir()); err != nil {
			return err
		}
	}
	listener, base, err := ids.listen(*listen, log)
	if err != nil {
		return err
	}
	end, err := ids.open(ctx, &options, base)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer end()
	srv := server.New(options)
	return srv.Serve(ctx, listener, func() {
		fmt.Fprintf(c.stdout, "listening on %s\n", base)
		if options.SignIn != nil {
			fmt.Fprintf(c.stdout, "people sign in with %s at %s\n", ids.provider.Issuer, options.PublicURL)
		}
		for _, user := range options.DevUsers {
			fmt.Fprintf(c.stdout, "GraphiQL as %s (%s): %s%s\n", user.Username, user.Role, base, srv.SignInLink(user.Username, user.Role))
		}
	})
}

// callable reads which private ranges may be called.
func callable(ranges string, dev bool) (policy outbound.Policy, err error) {
	if dev {
		policy.Private = append(policy.Private, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	}
	for text := range strings.SplitSeq(ranges, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return policy, usageError(fmt.Sprintf("--call-private takes ranges like 10.1.0.0/16, not %q", text))
		}
		policy.Private = append(policy.Private, prefix)
	}
	return policy, nil
}

// devUsers can be signed in as with one click in dev mode.
func devUsers(sample bool) []server.DevUser {
	admin := server.DevUser{Username: "admin", Role: auth.RoleAdmin}
	if !sample {
		return []server.DevUser{admin}
	}
	return []server.DevUser{{Username: sampleUser, Role: auth.RoleUser}, admin}
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
		fmt.Fprintf(c.stderr, "there is no sample data: %s is not there\n", folder)
		return nil
	}
	if err != nil {
		return err
	}
	for _, file := range files {
		if filepath.Ext(file.Name()) == ".md" {
			continue
		}
		imp, err := h.ImportByCommand(ctx, sampleUser, "", filepath.Join(folder, file.Name()), interop.Options{})
		if err != nil {
			return fmt.Errorf("sample data: %w", err)
		}
		fmt.Fprintf(c.stderr, "imported the sample file %s\n", imp.FileName)
	}
	return nil
}
