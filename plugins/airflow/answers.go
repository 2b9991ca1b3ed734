package airflow

import "time"

// What Airflow answers. The two APIs call some things by other names; both
// stand here side by side.

type dagAnswer struct {
	ID          string `json:"dag_id"`
	DisplayName string `json:"dag_display_name"`
	Description string `json:"description"`
	Doc         string `json:"doc_md"` // in the details alone
	Owners      []string
	Tags        []struct{ Name string }
	Paused      bool   `json:"is_paused"`
	Active      *bool  `json:"is_active"` // v1
	Stale       bool   `json:"is_stale"`  // v2
	File        string `json:"fileloc"`
	Schedule    string `json:"timetable_description"`
}

// gone reports whether Airflow no longer finds the DAG in its file.
func (d dagAnswer) gone() bool { return d.Stale || d.Active != nil && !*d.Active }

type taskAnswer struct {
	ID           string   `json:"task_id"`
	DisplayName  string   `json:"task_display_name"`
	Owner        string   `json:"owner"`
	Doc          string   `json:"doc_md"`
	Operator     string   `json:"operator_name"`
	Downstream   []string `json:"downstream_task_ids"`
	Mapped       bool     `json:"is_mapped"`
	ClassRef     classRef `json:"class_ref"`
	TriggerRules string   `json:"trigger_rule"`
}

type classRef struct {
	Class  string `json:"class_name"`
	Module string `json:"module_path"`
}

type taskRef struct {
	DAG  string `json:"dag_id"`
	Task string `json:"task_id"`
}

type datasetAnswer struct {
	URI       string    `json:"uri"`
	Name      string    `json:"name"`           // v2
	Group     string    `json:"group"`          // v2
	Scheduled []taskRef `json:"scheduled_dags"` // v2; DAGs alone
	Consuming []taskRef `json:"consuming_dags"` // v1, and v2 until 3.0; DAGs alone
	Reading   []taskRef `json:"consuming_tasks"`
	Producing []taskRef `json:"producing_tasks"`
}

type runAnswer struct {
	ID      string     `json:"dag_run_id"`
	State   string     `json:"state"`
	Started *time.Time `json:"start_date"`
	Ended   *time.Time `json:"end_date"`
}

type instanceAnswer struct {
	Task     string     `json:"task_id"`
	MapIndex int        `json:"map_index"`
	State    string     `json:"state"`
	Started  *time.Time `json:"start_date"`
	Ended    *time.Time `json:"end_date"`
}

type importErrorAnswer struct {
	File string `json:"filename"`
}
