package memory

import "context"

// once tells whether an identifier is still to be written to its table.
func (w *Writer) once(table string, id *Identifier) bool {
	key := table + id.Hash
	if w.known[key] {
		return false
	}
	w.known[key] = true
	return true
}

func (w *Writer) target(ctx context.Context, id *Identifier) error {
	if !w.once("TargetIdentifiers", id) {
		return nil
	}
	return w.row(ctx, `
		INSERT INTO "TargetIdentifiers" (hash, class_name, class_module, identifier_json, endpoint, model_name,
			underlying_model_name, supported_auth_modes, pyrit_version)
		VALUES (?, ?, ?, ?, ?, ?, ?, 'null', '1.1.0')`,
		id.Hash, id.Class, id.Module, id.JSON, id.parameters["endpoint"], id.parameters["model_name"],
		id.parameters["underlying_model_name"])
}

func (w *Writer) scorer(ctx context.Context, id *Identifier) error {
	if !w.once("ScorerIdentifiers", id) {
		return nil
	}
	judge := id.child("prompt_target")
	if judge != nil {
		if err := w.target(ctx, judge); err != nil {
			return err
		}
	}
	return w.row(ctx, `
		INSERT INTO "ScorerIdentifiers" (hash, class_name, class_module, identifier_json, pyrit_version, scorer_type,
			score_aggregator, prompt_target_hash)
		VALUES (?, ?, ?, ?, '1.1.0', ?, ?, ?)`,
		id.Hash, id.Class, id.Module, id.JSON, id.parameters["scorer_type"], id.parameters["score_aggregator"],
		hashOf(judge))
}

func (w *Writer) converter(ctx context.Context, id *Identifier) error {
	if !w.once("ConverterIdentifiers", id) {
		return nil
	}
	return w.row(ctx, `
		INSERT INTO "ConverterIdentifiers" (hash, class_name, class_module, identifier_json, pyrit_version,
			supported_input_types, supported_output_types)
		VALUES (?, ?, ?, ?, '1.1.0', ?, ?)`,
		id.Hash, id.Class, id.Module, id.JSON, value(id.parameters["supported_input_types"]),
		value(id.parameters["supported_output_types"]))
}

// converterList is the JSON of a chain. There are few chains and many messages.
func (w *Writer) converterList(chain []*Identifier) string {
	key := ""
	for _, id := range chain {
		key += id.Hash
	}
	text, found := w.chains[key]
	if !found {
		text = List(chain)
		w.chains[key] = text
	}
	return text
}

func (w *Writer) atomic(ctx context.Context, id *Identifier) error {
	if !w.once("AtomicAttackIdentifiers", id) {
		return nil
	}
	technique := id.child("attack_technique")
	if err := w.technique(ctx, technique); err != nil {
		return err
	}
	return w.row(ctx, `
		INSERT INTO "AtomicAttackIdentifiers" (hash, class_name, class_module, identifier_json, pyrit_version,
			attack_technique_identifier_hash)
		VALUES (?, ?, ?, ?, '1.1.0', ?)`,
		id.Hash, id.Class, id.Module, id.JSON, technique.Hash)
}

func (w *Writer) technique(ctx context.Context, id *Identifier) error {
	if !w.once("AttackTechniqueIdentifiers", id) {
		return nil
	}
	attack := id.child("attack")
	if err := w.attack(ctx, attack); err != nil {
		return err
	}
	return w.row(ctx, `
		INSERT INTO "AttackTechniqueIdentifiers" (hash, class_name, class_module, identifier_json, pyrit_version,
			attack_identifier_hash)
		VALUES (?, ?, ?, ?, '1.1.0', ?)`,
		id.Hash, id.Class, id.Module, id.JSON, attack.Hash)
}

func (w *Writer) attack(ctx context.Context, id *Identifier) error {
	target, adversary, scorer := id.child("objective_target"), id.child("adversarial_chat"), id.child("objective_scorer")
	if err := w.target(ctx, target); err != nil {
		return err
	}
	if adversary != nil {
		if err := w.target(ctx, adversary); err != nil {
			return err
		}
	}
	if err := w.scorer(ctx, scorer); err != nil {
		return err
	}
	err := w.row(ctx, `
		INSERT INTO "AttackIdentifiers" (hash, class_name, class_module, identifier_json, pyrit_version,
			adversarial_system_prompt, adversarial_seed_prompt, objective_target_hash, adversarial_chat_hash,
			objective_scorer_hash)
		VALUES (?, ?, ?, ?, '1.1.0', ?, ?, ?, ?, ?)`,
		id.Hash, id.Class, id.Module, id.JSON, id.parameters["adversarial_system_prompt"],
		id.parameters["adversarial_seed_prompt"], target.Hash, hashOf(adversary), scorer.Hash)
	for position, converter := range id.all("request_converters") {
		if err == nil {
			err = w.converter(ctx, converter)
		}
		if err == nil {
			err = w.row(ctx, `
				INSERT INTO "AttackRequestConverterIdentifiers" (attack_identifier_hash, position, converter_identifier_hash)
				VALUES (?, ?, ?)`, id.Hash, position, converter.Hash)
		}
	}
	return err
}

func (w *Writer) scenario(ctx context.Context, id *Identifier) error {
	target, scorer := id.child("objective_target"), id.child("objective_scorer")
	if err := w.target(ctx, target); err != nil {
		return err
	}
	if err := w.scorer(ctx, scorer); err != nil {
		return err
	}
	if !w.once("ScenarioIdentifiers", id) {
		return nil
	}
	return w.row(ctx, `
		INSERT INTO "ScenarioIdentifiers" (hash, class_name, class_module, identifier_json, pyrit_version, version,
			techniques, datasets, objective_target_hash, objective_scorer_hash)
		VALUES (?, ?, ?, ?, '1.1.0', 1, 'null', 'null', ?, ?)`,
		id.Hash, id.Class, id.Module, id.JSON, target.Hash, scorer.Hash)
}

func hashOf(id *Identifier) any {
	if id == nil {
		return nil
	}
	return id.Hash
}
