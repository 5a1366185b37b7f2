package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/violentutf/violentutf/storage"
)

// auditLog is what is asked of the audit log: of this process's own, or of the one of the
// process that owns the data folder.
type auditLog interface {
	AuditIntegrity(ctx context.Context) (*storage.AuditReport, error)
	AuditCheckpoint(ctx context.Context) (*storage.AuditCheckpoint, error)
	VerifyCheckpoint(ctx context.Context, checkpoint storage.AuditCheckpoint) (*storage.AuditFault, error)
}

// checkAudit reads the whole audit log, and compares it with a checkpoint if there is one:
// a tail that was cut off is found in no other way. Then it writes a checkpoint, if it
// shall.
func (c *command) checkAudit(ctx context.Context, log auditLog, checkpoint, write string) error {
	report, err := log.AuditIntegrity(ctx)
	if err != nil {
		return err
	}
	if report.Fault != nil {
		return c.faulty(report.Fault)
	}
	fmt.Fprintf(c.stdout, "audit log: %d rows, each as it was written\n", report.Rows)
	if checkpoint != "" {
		if err := c.compare(ctx, log, checkpoint); err != nil {
			return err
		}
	}
	if write != "" {
		return c.writeCheckpoint(ctx, log, write)
	}
	return nil
}

// compare looks for the rows of a checkpoint.
func (c *command) compare(ctx context.Context, log auditLog, checkpoint string) error {
	raw, err := os.ReadFile(checkpoint)
	if err != nil {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	var signed storage.AuditCheckpoint
	if err := json.Unmarshal(raw, &signed); err != nil {
		return fmt.Errorf("read the checkpoint %s: it is none: %w", checkpoint, err)
	}
	fault, err := log.VerifyCheckpoint(ctx, signed)
	if err != nil {
		return err
	}
	if fault != nil {
		return c.faulty(fault)
	}
	fmt.Fprintf(c.stdout, "audit log: all %d rows of the checkpoint of %s are there\n", signed.Count, signed.At.UTC().Format("2006-01-02 15:04:05"))
	return nil
}

func (c *command) faulty(fault *storage.AuditFault) error {
	fmt.Fprintf(c.stdout, "audit log: PROBLEM at row %d: %s: %s\n", fault.Seq, fault.Kind, fault.Detail)
	return fmt.Errorf("the audit log is not as it was written, from row %d on", fault.Seq)
}

// writeCheckpoint never replaces a file: the older one says more about what is missing.
func (c *command) writeCheckpoint(ctx context.Context, log auditLog, file string) error {
	signed, err := log.AuditCheckpoint(ctx)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(signed, "", "  ")
	if err != nil {
		return err
	}
	to, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the checkpoint: %w", err)
	}
	_, err = to.Write(append(text, '\n'))
	if err := errors.Join(err, to.Sync(), to.Close()); err != nil {
		return fmt.Errorf("write the checkpoint: %w", err)
	}
	fmt.Fprintf(c.stdout, "audit log: a checkpoint of %d rows is in %s; keep it where nobody who reaches this machine can write\n", signed.Count, file)
	return nil
}
