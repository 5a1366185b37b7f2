package secret

import (
	"context"
	"fmt"
	"io"
	"os"

	"filippo.io/age"
)

// EncryptFile writes src, encrypted with age to the Keeper's backup key, to dst: mode
// 0600, complete or not at all. An existing dst is replaced. Memory does not grow
// with src.
func (k *Keeper) EncryptFile(ctx context.Context, dst string, src io.Reader) error {
	err := writeAtomically(dst, os.Rename, func(w io.Writer) error {
		encrypted, err := age.Encrypt(w, k.reader)
		if err != nil {
			return err
		}
		if _, err := io.Copy(encrypted, cancelled{ctx, src}); err != nil {
			return err
		}
		return encrypted.Close()
	})
	if err != nil {
		return fmt.Errorf("encrypt to %s: %w", dst, err)
	}
	return nil
}

// DecryptFile writes the plain text of a file that EncryptFile made to w. What reaches
// w is authentic piece by piece; only after a nil error is it also complete.
func (k *Keeper) DecryptFile(ctx context.Context, src string, w io.Writer) error {
	file, err := os.Open(src)
	if err != nil {
		return fmt.Errorf("decrypt: %w", err)
	}
	defer file.Close()
	plain, err := age.Decrypt(cancelled{ctx, file}, k.backup...)
	if err != nil {
		return fmt.Errorf("decrypt %s with %s: %w", src, BackupKeyFile, err)
	}
	if _, err := io.Copy(w, plain); err != nil {
		return fmt.Errorf("decrypt %s: %w", src, err)
	}
	return nil
}

// cancelled ends a copy when its context ends.
type cancelled struct {
	ctx  context.Context
	from io.Reader
}

func (c cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.from.Read(p)
}
