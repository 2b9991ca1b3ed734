package sandbox

// The codes of refusals that no rule wrote. They never change.
const (
	CodeNoRule        = "no.rule"
	CodeSteps         = "engine.steps"
	CodeInput         = "engine.invalid_input"
	codeTimeout       = "engine.timeout"
	codeMemory        = "engine.memory"
	CodeCancelled     = "engine.cancelled"
	CodeError         = "engine.error"
	CodeBusy          = "engine.busy"
	CodeAction        = "engine.unknown_action"
	CodeInvalidOutput = "engine.invalid_output"
	CodeQuarantined   = "domain.quarantined"
	CodeNoConsent     = "domain.no_consent"
)

// Fault is trouble in the engine, as a refusal tells it.
type Fault struct{ Code, Message string }
