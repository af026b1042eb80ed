package report

import (
	"io"
	"path/filepath"
	"strings"
)

// HGRMFile is one file of HdrHistogram percentiles.
type HGRMFile struct {
	Path  string
	Write func(io.Writer) error
}

// HGRM lists the files in which the latency distributions of runs are written in
// HdrHistogram's percentile format, in milliseconds. One distribution is written
// to path itself. Of several, each has its stage in its name, with the scenario
// before it where there are several: lat.hgrm becomes lat.delivery.hgrm,
// lat.delivery-storm.hgrm, or lat.cuts.delivery.hgrm.
func HGRM(path string, runs []*Result) []HGRMFile {
	var files []HGRMFile
	for _, r := range runs {
		for _, h := range r.Spreads {
			name := h.Stage
			if h.During != "all" {
				name += "-" + h.During
			}
			if len(runs) > 1 {
				name = plainName(r.Scenario) + "." + name
			}
			files = append(files, HGRMFile{between(path, name), h.Percentiles})
		}
	}
	if len(files) == 1 {
		files[0].Path = path
	}
	return files
}

// between puts name before the extension of path.
func between(path, name string) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "." + name + ext
}

// plainName keeps a scenario's name from leaving the folder.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '-'
	}, name)
}
