package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/storage"
)

// checkAudit reads the whole audit log, and compares it with a checkpoint if there is one:
// a tail that was cut off is found in no other way.
func (c *command) checkAudit(ctx context.Context, h *house.House, checkpoint string) error {
	report, err := h.App.AuditIntegrity(ctx)
	if err != nil {
		return err
	}
	if report.Fault != nil {
		return c.faulty(report.Fault)
	}
	fmt.Fprintf(c.stdout, "audit log: %d rows, each as it was written\n", report.Rows)
	if checkpoint == "" {
		return nil
	}
	raw, err := os.ReadFile(checkpoint)
	if err != nil {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	var signed storage.AuditCheckpoint
	if err := json.Unmarshal(raw, &signed); err != nil {
		return fmt.Errorf("read the checkpoint %s: it is none: %w", checkpoint, err)
	}
	fault, err := h.App.VerifyCheckpoint(ctx, signed)
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
func (c *command) writeCheckpoint(ctx context.Context, h *house.House, file string) error {
	signed, err := h.App.AuditCheckpoint(ctx)
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
