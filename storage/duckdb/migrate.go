package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

const versionTable = "goose_db_version"

// newest strips the folder off the embedded migrations and finds the last version.
func newest(all fs.FS) (fs.FS, int64, error) {
	migrations, err := fs.Sub(all, "migrations")
	if err != nil {
		return nil, 0, err
	}
	names, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return nil, 0, err
	}
	var last int64
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return nil, 0, err
		}
		last = max(last, version)
	}
	if last == 0 {
		return nil, 0, errors.New("there are no migrations")
	}
	return migrations, last, nil
}

// migrate brings the attached file to the newest version and gives it its row of
// store_info if it has none.
func (r *Registry) migrate(ctx context.Context, a *attachment, owner string) (err error) {
	db := sql.OpenDB(&connector{shared: r.instance, catalog: a.alias, broken: &a.broken, migrating: true})
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := goose.NewProvider(goose.DialectCustom, db, r.migrations,
		goose.WithStore(versions{}), goose.WithDisableGlobalRegistry(true), goose.WithSlog(r.options.Log))
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `
		INSERT INTO store_info (owner_id, id_key, revision,
			next_attack_no, next_conversation_no, next_score_no, next_prompt_no, created_at)
		SELECT $1, $2, 1, 1, 1, 1, 1, $3
		WHERE NOT EXISTS (SELECT 1 FROM store_info)`,
		owner, randomName(), time.Now().UTC().Truncate(time.Microsecond))
	if err != nil {
		return fmt.Errorf("fill store_info: %w", err)
	}
	return nil
}

// versions keeps goose's table of applied migrations in DuckDB, where goose's own
// dialects fail for want of identity columns.
type versions struct{}

var _ database.StoreExtender = versions{}

func (versions) Tablename() string { return versionTable }

func (versions) CreateVersionTable(ctx context.Context, db database.DBTxConn) error {
	_, err := db.ExecContext(ctx, `
		CREATE TABLE `+versionTable+` (
			version_id BIGINT NOT NULL,
			is_applied BOOLEAN NOT NULL,
			tstamp TIMESTAMP NOT NULL
		)`)
	return err
}

func (versions) TableExists(ctx context.Context, db database.DBTxConn) (bool, error) {
	var one sql.NullInt64
	err := db.QueryRowContext(ctx, "SELECT 1 FROM "+versionTable+" LIMIT 1").Scan(&one)
	switch {
	case err == nil, errors.Is(err, sql.ErrNoRows):
		return true, nil
	case strings.Contains(err.Error(), "does not exist"):
		return false, nil
	}
	return false, err
}

func (versions) Insert(ctx context.Context, db database.DBTxConn, req database.InsertRequest) error {
	_, err := db.ExecContext(ctx,
		"INSERT INTO "+versionTable+" (version_id, is_applied, tstamp) VALUES ($1, true, $2)",
		req.Version, time.Now().UTC())
	return err
}

func (versions) Delete(ctx context.Context, db database.DBTxConn, version int64) error {
	_, err := db.ExecContext(ctx, "DELETE FROM "+versionTable+" WHERE version_id = $1", version)
	return err
}

func (versions) GetMigration(ctx context.Context, db database.DBTxConn, version int64) (*database.GetMigrationResult, error) {
	var result database.GetMigrationResult
	err := db.QueryRowContext(ctx,
		"SELECT tstamp, is_applied FROM "+versionTable+" WHERE version_id = $1 ORDER BY tstamp DESC LIMIT 1",
		version).Scan(&result.Timestamp, &result.IsApplied)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("version %d: %w", version, database.ErrVersionNotFound)
	}
	return &result, err
}

func (versions) GetLatestVersion(ctx context.Context, db database.DBTxConn) (int64, error) {
	var version sql.NullInt64
	err := db.QueryRowContext(ctx, "SELECT max(version_id) FROM "+versionTable).Scan(&version)
	if err == nil && !version.Valid {
		return 0, database.ErrVersionNotFound
	}
	return version.Int64, err
}

func (versions) ListMigrations(ctx context.Context, db database.DBTxConn) ([]*database.ListMigrationsResult, error) {
	rows, err := db.QueryContext(ctx, "SELECT version_id, is_applied FROM "+versionTable+" ORDER BY version_id DESC")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*database.ListMigrationsResult
	for rows.Next() {
		var m database.ListMigrationsResult
		if err := rows.Scan(&m.Version, &m.IsApplied); err != nil {
			return nil, err
		}
		all = append(all, &m)
	}
	return all, rows.Err()
}
