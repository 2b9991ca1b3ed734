package souk.platform_test

import data.souk.platform
import rego.v2

_asset := object.union(orders, {"type": "asset", "id": "ast_1", "owner": "", "product": "", "status": "ACTIVE"})

_hidden := object.union(orders, {"visibility": "DOMAIN", "owner": ""})

test_everybody_knows_the_map if {
	every type in ["domain", "team", "principal"] {
		resource := object.union(_hidden, {"type": type})
		codes(platform.allow) == {"visible.everyone"} with input as ask(bo, "metadata.view", resource)
	}
}

test_published_products_are_found if {
	codes(platform.allow) == {"visible.published"} with input as ask(bo, "metadata.view", orders)
	codes(platform.allow) == set() with input as ask(bo, "metadata.view", _hidden)
}

test_offered_assets_are_found if {
	codes(platform.allow) == set() with input as ask(bo, "metadata.view", _asset)
	offered := object.union(_asset, {"exposed": true})
	codes(platform.allow) == {"visible.exposed"} with input as ask(bo, "metadata.view", offered)
}

test_own_affairs if {
	"visible.own" in codes(platform.allow) with input as ask(bo, "metadata.view", request)
	"visible.own" in codes(platform.allow) with input as ask(ana, "metadata.view", request)
	codes(platform.allow) == set() with input as ask(abe, "metadata.view", request)
}

test_platform_stewards_see_requests if {
	dee := object.union(bo, {"id": "prn_dee", "roles": ["STEWARD"]})
	codes(platform.allow) == {"visible.steward"} with input as ask(dee, "metadata.view", request)
	codes(platform.allow) == set() with input as ask(dee, "metadata.view", object.union(request, {"type": "grant"}))
}

test_admins_see_metadata_and_no_data if {
	unowned := object.union(_asset, {"domain": ""})
	codes(platform.allow) == {"visible.admin"} with input as ask(cy, "metadata.view", unowned)
	codes(platform.allow) == set() with input as ask(bo, "metadata.view", unowned)
	codes(platform.allow) == set() with input as ask(cy, "data.read", orders)
}
