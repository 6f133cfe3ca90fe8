package config

import "log/slog"

// Log says which lines the program's log has, and how they look.
type Log struct {
	// Level is the least level of the lines: debug, info, warn or error. By default it is info.
	Level string `yaml:"level" enum:"debug|info|warn|error"`
	// Format is text or json. By default it is text on a terminal, and json elsewhere.
	Format string `yaml:"format" reload:"restart" enum:"text|json"`
}

func defaultLog() Log { return Log{Level: "info"} }

// Check reports unknown words.
func (l *Log) Check(report func(key, problem string)) {
	checkWord(report, "level", "level", l.Level, []string{"debug", "info", "warn", "error"})
	if l.Format != "" {
		checkWord(report, "format", "format", l.Format, []string{"text", "json"})
	}
}

// Least returns the least level of the lines.
func (l Log) Least() slog.Level {
	level := slog.LevelInfo
	_ = level.UnmarshalText([]byte(l.Level)) // An unset level stays info.
	return level
}
