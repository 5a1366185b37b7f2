// Package keycloak runs a real Keycloak for tests, with the realm of deploy/keycloak.
package keycloak

import (
	"archive/zip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Version is that of the Maven artifact org.keycloak:keycloak-quarkus-dist.
const Version = "26.7.3"

// Realm is the name of the realm; it holds alice and bob, whose passwords are
// DemoPassword.
const Realm = "ViolentUTF"

// CacheVariable names the folder in which Keycloak is kept between runs. Without it
// that is violentutf/keycloak in the user's cache folder.
const CacheVariable = "VIOLENTUTF_KEYCLOAK_CACHE"

// DemoPassword is the password of a demo user of the realm file.
func DemoPassword(username string) string { return username + "-demo-only" }

// Server is a Keycloak that runs until the end of the test. Its data are in memory.
type Server struct {
	BaseURL string // http://127.0.0.1:PORT
	Issuer  string // of the realm

	admin, password string
}

// patience is for the first start, which compiles, on two busy cores.
const patience = 5 * time.Minute

// Start fetches Keycloak with Maven on first use, imports the realm, and waits until it
// answers. Without Java or Maven the test is skipped, or fails when CI is true.
func Start(t testing.TB) *Server {
	t.Helper()
	for _, tool := range []string{"java", "mvn", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, fmt.Sprintf("%s is not installed: Keycloak needs Java 17 or newer, and Maven to be fetched", tool))
		}
	}
	distribution, err := fetch(t.Context())
	if err != nil {
		missing(t, err.Error())
	}
	home := filepath.Join(t.TempDir(), "keycloak")
	if err := install(distribution, home); err != nil {
		t.Fatal(err)
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{BaseURL: "http://127.0.0.1:" + port, admin: "admin", password: rand.Text()}
	s.Issuer = s.BaseURL + "/realms/" + Realm
	log, err := s.run(t, home, port)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ready(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	return s
}

func missing(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// fetch gives the folder of the unpacked distribution. Two that fetch at once do it
// twice, and the first one stays.
func fetch(ctx context.Context) (string, error) {
	cache := os.Getenv(CacheVariable)
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find a folder for Keycloak: %w", err)
		}
		cache = filepath.Join(user, "violentutf", "keycloak")
	}
	name := "keycloak-" + Version
	folder := filepath.Join(cache, name)
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("fetch Keycloak: %w", err)
	}
	work, err := os.MkdirTemp(cache, ".fetch-*")
	if err != nil {
		return "", fmt.Errorf("fetch Keycloak: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	maven := exec.CommandContext(
		ctx, "mvn", "-q", "-B", "dependency:copy",
		"-Dartifact=org.keycloak:keycloak-quarkus-dist:"+Version+":zip", "-DoutputDirectory="+work,
	)
	maven.Dir = work // away from any pom.xml
	if out, err := maven.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetch Keycloak with Maven: %w: %s", err, out)
	}
	if err := unpack(filepath.Join(work, "keycloak-quarkus-dist-"+Version+".zip"), work); err != nil {
		return "", fmt.Errorf("unpack Keycloak: %w", err)
	}
	if err := os.Rename(filepath.Join(work, name), folder); err != nil {
		if _, other := os.Stat(folder); other != nil {
			return "", fmt.Errorf("unpack Keycloak: %w", err)
		}
	}
	return folder, nil
}

func unpack(archive, folder string) error {
	files, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer files.Close()
	root, err := os.OpenRoot(folder) // no name in the archive leads out of it
	if err != nil {
		return err
	}
	defer root.Close()
	for _, file := range files.File {
		if err := unpackOne(root, file); err != nil {
			return fmt.Errorf("%s: %w", file.Name, err)
		}
	}
	return nil
}

func unpackOne(root *os.Root, file *zip.File) error {
	name := filepath.FromSlash(strings.TrimSuffix(file.Name, "/"))
	if file.FileInfo().IsDir() {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	from, err := file.Open()
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, file.Mode().Perm()|0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

// install gives a server a home of its own: Keycloak writes into it, and servers of two
// packages may run at once. The libraries, 180 MB, are never written and only linked.
func install(distribution, home string) error {
	err := filepath.WalkDir(distribution, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(distribution, path)
		if err != nil {
			return err
		}
		target := filepath.Join(home, below)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		if strings.HasPrefix(below, filepath.Join("lib", "lib")) && os.Link(path, target) == nil {
			return nil
		}
		return copyFile(path, target)
	})
	if err != nil {
		return fmt.Errorf("install Keycloak: %w", err)
	}
	_, here, _, _ := runtime.Caller(0)
	realm := filepath.Join(filepath.Dir(here), "..", "..", "deploy", "keycloak", "violentutf-realm.json")
	folder := filepath.Join(home, "data", "import")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("install the realm: %w", err)
	}
	// Keycloak wants the file to be named after the realm.
	if err := copyFile(realm, filepath.Join(folder, Realm+"-realm.json")); err != nil {
		return fmt.Errorf("install the realm: %w", err)
	}
	return nil
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port, listener.Close()
}

// attended runs Keycloak and ends it when the input ends: when the test closes it, and
// also when the test process is killed.
const attended = `"$0" "$@" </dev/null & keycloak=$!; read -r _; kill -TERM $keycloak; wait $keycloak`

// run starts Keycloak, and ends it with the test. It gives the path of the log.
func (s *Server) run(t testing.TB, home, port string) (string, error) {
	path := filepath.Join(home, "log.txt")
	log, err := os.Create(path)
	if err != nil {
		return "", err
	}
	command := exec.Command(
		"sh", "-c", attended, filepath.Join(home, "bin", "kc.sh"),
		"start-dev", "--import-realm", "--db=dev-mem", "--http-host=127.0.0.1", "--http-port="+port,
	)
	command.Dir = home
	command.Env = append(
		os.Environ(),
		"KC_BOOTSTRAP_ADMIN_USERNAME="+s.admin, "KC_BOOTSTRAP_ADMIN_PASSWORD="+s.password,
		"JAVA_OPTS_KC_HEAP=-Xms64m -Xmx512m", "JAVA_OPTS_APPEND=-XX:TieredStopAtLevel=1",
	)
	command.Stdout, command.Stderr = log, log
	attendant, err := command.StdinPipe()
	if err != nil {
		return "", err
	}
	if err := command.Start(); err != nil {
		return "", fmt.Errorf("start Keycloak: %w", err)
	}
	t.Cleanup(func() {
		_ = attendant.Close()
		_ = command.Wait() // its status says only that it was told to end
		_ = log.Close()
	})
	return path, nil
}

// ready waits until the realm answers.
func (s *Server) ready(ctx context.Context, log string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.answers(ctx) {
			return nil
		}
		text, _ := os.ReadFile(log)
		if strings.Contains(string(text), "Failed to start server") {
			return fmt.Errorf("start Keycloak:\n%s", text)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for Keycloak: no answer within %v:\n%s", patience, text)
		}
	}
}

func (s *Server) answers(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
