package secret

// Status tells of the keys, never a key.
type Status struct {
	MasterKey   string   `json:"masterKey"`   // where it comes from
	MasterKeyID string   `json:"masterKeyId"` // tells master keys apart
	Primary     uint32   `json:"primary"`     // the key that seals
	Old         []uint32 `json:"old"`         // keys of a rotation that has not ended
}

// Status tells of the keys.
func (k *Keeper) Status() Status {
	now := k.keys.Load()
	return Status{
		MasterKey: k.master.from, MasterKeyID: k.master.keyID,
		Primary: now.primary, Old: append([]uint32{}, now.old...),
	}
}
