package sourcegrants

import "time"

// Anew lets the next round look at everything, as after surveyEach.
func (s *Service) Anew() { s.surveyed = time.Time{} }
