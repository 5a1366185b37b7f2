package storage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// ReadAttackFilter reads a filter that a client would pass as AttackFilter, from JSON.
// An error says what of it cannot be used.
func ReadAttackFilter(document JSON) (*AttackFilter, error) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(document)))
	decoder.DisallowUnknownFields()
	filter := &AttackFilter{}
	if err := decoder.Decode(filter); err != nil || !json.Valid([]byte(document)) {
		return nil, fmt.Errorf("it is no filter of attacks: %w", err)
	}
	return filter, checkFilter(filter)
}

// checkFilter refuses values that no enum of the schema has: they would hold for nothing.
func checkFilter(f *AttackFilter) error {
	if f == nil {
		return nil
	}
	if f.Outcome != nil {
		for _, value := range slices.Concat(f.Outcome.In, f.Outcome.NotIn) {
			if !slices.Contains([]Outcome{OutcomeSuccess, OutcomeFailure, OutcomeUndetermined, OutcomeError}, value) {
				return fmt.Errorf("%q is no outcome", value)
			}
		}
	}
	if f.OutcomeSource != nil {
		for _, value := range slices.Concat(f.OutcomeSource.In, f.OutcomeSource.NotIn) {
			if !slices.Contains([]OutcomeSource{OutcomeHuman, OutcomeStated, OutcomeObjectiveScore, OutcomeRule}, value) {
				return fmt.Errorf("%q is no source of an outcome", value)
			}
		}
	}
	if f.Source != nil {
		for _, value := range slices.Concat(f.Source.In, f.Source.NotIn) {
			if !slices.Contains([]Source{SourceNative, SourcePyRIT, SourceGarak, SourceViolentUTF}, value) {
				return fmt.Errorf("%q is no source", value)
			}
		}
	}
	if f.Role != nil {
		for _, value := range slices.Concat(f.Role.In, f.Role.NotIn) {
			if !slices.Contains([]Role{RoleSystem, RoleUser, RoleAssistant, RoleSimulatedAssistant, RoleTool, RoleDeveloper}, value) {
				return fmt.Errorf("%q is no role", value)
			}
		}
	}
	for _, inner := range append(slices.Concat(f.And, f.Or), f.Not) {
		if err := checkFilter(inner); err != nil {
			return err
		}
	}
	return nil
}
