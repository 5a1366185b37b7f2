package pyrit

import (
	"context"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/files"
)

// medium is what became of a path: a file, or why there is none.
type medium struct {
	file    *storage.File
	refusal files.Refusal
}

// media keeps the files that a message names by their paths. Repeats and both values
// of a piece mostly name the same file, which is looked for once.
func (im *importer) media(ctx context.Context, m *storage.StagedMessage) error {
	if im.opts.Media == nil {
		return nil
	}
	for _, value := range []struct {
		part           storage.MessagePart
		dataType, path string
	}{
		{storage.PartOriginal, m.OriginalDataType, m.OriginalValue},
		{storage.PartConverted, m.DataType, m.ConvertedValue},
	} {
		if !storage.NamesFile(value.dataType) {
			continue
		}
		found, err := im.medium(ctx, value.path)
		if err != nil {
			return err
		}
		if found.file == nil {
			im.note("media not kept: " + string(found.refusal) + "; the path stays as it is")
			continue
		}
		if err := im.stage.AddMedium(ctx, &storage.StagedMedium{
			Source: m.Source, Message: m.SourceID, Part: value.part, File: found.file,
		}); err != nil {
			return err
		}
	}
	return nil
}

func (im *importer) medium(ctx context.Context, path string) (medium, error) {
	if made, found := im.known.media.get(path); found {
		return made, nil
	}
	file, refusal, err := im.opts.Media.Keep(ctx, path)
	if err != nil {
		return medium{}, err
	}
	made := medium{file, refusal}
	im.known.media.put(path, made)
	return made, nil
}
