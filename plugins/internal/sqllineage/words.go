package sqllineage

import "strings"

// vocabulary makes a set of words.
func vocabulary(list string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		set[w] = true
	}
	return set
}

var (
	// reserved are words that are no names where an expression stands.
	reserved = vocabulary(`and or not in is null true false like ilike rlike regexp similar between then when else end case distinct all any some exists as over partition
		by order asc desc from where group having limit union except intersect select interval cast collate escape on using join inner left right full cross outer
		current_date current_time current_timestamp localtime localtimestamp sysdate current_user session_user user separator both leading trailing div mod xor binary
		isnull notnull at within filter qualify window default glob match for to with unknown rownum natural into values symmetric overlaps`)
	// framing are words of a window.
	framing = vocabulary("rows range groups preceding following unbounded current row exclude ties others no")
	// dateParts are what functions of dates are told in words.
	dateParts = vocabulary(`year years quarter quarters month months week weeks isoweek isoyear day days dayofweek dayofyear dow doy hour hours minute minutes second seconds
		millisecond milliseconds microsecond microseconds nanosecond epoch date time timezone yyyy mm dd hh mi ss monday sunday`)
	// aggregates put rows together.
	aggregates = vocabulary(`count sum avg min max array_agg string_agg listagg group_concat approx_distinct approx_count_distinct any_value arbitrary first_value last_value
		nth_value bool_or bool_and logical_or logical_and every json_agg jsonb_agg json_object_agg object_agg stddev stddev_pop stddev_samp variance var_pop var_samp
		corr covar_pop covar_samp median percentile_cont percentile_disc approx_percentile approx_quantiles mode count_if countif sumif min_by max_by argmin argmax
		collect_list collect_set bit_and bit_or bit_xor hll_count total array_union_agg array_concat_agg xmlagg quantile_cont`)
	// lambdas are functions that take one. Elsewhere its sign is one of JSON.
	lambdas = vocabulary(`transform filter reduce aggregate any_match all_match none_match zip_with transform_keys transform_values map_filter map_zip_with array_sort
		regexp_replace exists forall array_filter array_transform array_map arraymap arrayfilter arrayexists arrayall arraycount arraysort list_transform list_apply
		list_filter list_reduce array_apply apply array_reduce array_includes`)
	// masks are functions that hide what they are given.
	masks = vocabulary(`md5 sha sha1 sha2 sha224 sha256 sha384 sha512 md5_hex md5_binary sha1_hex sha2_hex sha2_binary sha1_binary hash hmac hmac_sha256 hmac_sha512 digest
		farm_fingerprint xxhash64 murmur3 fnv_hash crc32 to_hmac mask mask_hash mask_show_last_n redact tokenize encrypt aes_encrypt pgp_sym_encrypt`)
)
