// Package sqlfile reads statements of SQL that stand in files beside the code.
//
// One statement is one file, named by what it answers. Comments on top of it say that, its order, its parameters, and
// what it costs. Values go in as ClickHouse's parameters, {name:Type}. A text in double braces is another thing: the
// name of a piece, which is a file NAME.part.sql that several statements share, or a list that is too long for a
// parameter and that the caller puts in (With).
package sqlfile

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

const (
	extension = ".sql"
	piece     = ".part"
)

// Set has statements by their names: the path of the file below the folder of the set, without the extension.
type Set struct{ statements, pieces map[string]string }

var inBraces = regexp.MustCompile(`\{\{([^{}]+)\}\}`)

// Load reads all statements below a folder.
func Load(files fs.FS, dir string) (*Set, error) {
	texts := map[string]string{}
	err := fs.WalkDir(files, dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(file) != extension {
			return err
		}
		content, err := fs.ReadFile(files, file)
		name := strings.TrimSuffix(strings.TrimPrefix(file, dir+"/"), extension)
		texts[name] = statement(string(content))
		return err
	})
	if err != nil {
		return nil, err
	}
	s := &Set{statements: map[string]string{}, pieces: map[string]string{}}
	for name, text := range texts {
		if strings.HasSuffix(name, piece) {
			s.pieces[strings.TrimSuffix(name, piece)] = text
			continue
		}
		text = inBraces.ReplaceAllStringFunc(text, func(word string) string {
			if with := strings.Trim(word, "{}"); strings.HasSuffix(with, piece) {
				if word = texts[with]; word == "" {
					err = fmt.Errorf("%s: there is no piece %s", name, with)
				}
			}
			return word
		})
		s.statements[name] = text
	}
	return s, err
}

// MustLoad is Load for files that are embedded.
func MustLoad(files fs.FS, dir string) *Set {
	s, err := Load(files, dir)
	if err != nil {
		panic(err)
	}
	return s
}

// statement is a file's text without the comment on top of it.
func statement(text string) string {
	for strings.HasPrefix(text, "--") {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.TrimSpace(text)
}

// Find returns the statement of a name.
func (s *Set) Find(name string) (text string, found bool) {
	text, found = s.statements[name]
	return text, found
}

// Text returns the statement of a name that is in the code. It panics where there is no such file.
func (s *Set) Text(name string) string {
	text, found := s.statements[name]
	if !found {
		panic("there is no statement " + name)
	}
	return text
}

// With returns the statement of a name with a text for the word {{word}}.
func (s *Set) With(name, word, text string) string {
	return strings.ReplaceAll(s.Text(name), "{{"+word+"}}", text)
}

// Piece returns the piece of a name that is in the code. It panics where there is no such file.
func (s *Set) Piece(name string) string {
	text, found := s.pieces[name]
	if !found {
		panic("there is no piece " + name)
	}
	return text
}

// Names are those of all statements.
func (s *Set) Names() []string {
	names := make([]string, 0, len(s.statements))
	for name := range s.statements {
		names = append(names, name)
	}
	return names
}
