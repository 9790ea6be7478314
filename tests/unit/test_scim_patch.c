/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_scim_patch.c PATCH of SCIM on JSON trees, and the values of its schemas. */

#include "unit.h"

#include "../../mod_usermgmt/base/status.h"
#include "../../mod_usermgmt/scim/patch.h"
#include "../../mod_usermgmt/scim/value.h"

#define ENTERPRISE "'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'"
#define ENTERPRISE_PATH "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define CUSTOM "'urn:ietf:params:scim:schemas:extension:usermgmt:2.0:User'"
#define CUSTOM_PATH "urn:ietf:params:scim:schemas:extension:usermgmt:2.0:User"

/* A text of JSON; ' stands for ". */
static um_json_t *parse(const char *text)
{
    char *quoted = apr_pstrdup(pool, text);
    um_json_error_t error;
    um_json_t *json = NULL;

    for (char *c = quoted; *c != '\0'; c++) {
        *c = (char)(*c == '\'' ? '"' : *c);
    }
    if (um_json_parse(&json, &error, quoted, strlen(quoted), pool) != APR_SUCCESS) {
        fail_msg("%s: %s", text, error.detail);
    }
    return json;
}

/* The body of a PATCH with these operations. */
static um_json_t *parse_request(const char *operations)
{
    return parse(apr_pstrcat(pool,
                             "{'schemas':['urn:ietf:params:scim:api:messages:2.0:PatchOp'],"
                             "'Operations':[",
                             operations, "]}", NULL));
}

static um_json_t *apply_to(const um_scim_resource_type_t *type, const char *resource,
                           const char *operations)
{
    um_json_t *before = parse(resource);
    um_json_t *copy = um_json_copy(before, pool);
    um_json_t *patched = NULL;
    um_scim_error_t error = { 0, NULL, NULL };

    if (um_scim_patch_apply(&patched, before, parse_request(operations), type, &error, pool)
        != APR_SUCCESS) {
        fail_msg("%s on %s: %d %s: %s", operations, resource, error.status, error.type,
                 error.detail);
    }
    assert_true(um_json_equal(before, copy));
    return patched;
}

/* Both are compared without their schemas. */
static void assert_type_patched(const um_scim_resource_type_t *type, const char *resource,
                                const char *operations, const char *expected)
{
    um_json_t *patched = apply_to(type, resource, operations);
    um_json_t *wanted = parse(expected);

    um_json_remove(patched, "schemas");
    um_json_remove(wanted, "schemas");
    if (!um_json_equal(patched, wanted)) {
        fail_msg("%s on %s: %s instead of %s", operations, resource, um_json_text(patched, pool),
                 um_json_text(wanted, pool));
    }
}

static void assert_patched(const char *resource, const char *operations, const char *expected)
{
    assert_type_patched(&um_scim_user_type, resource, operations, expected);
}

static void assert_refused_as(const char *resource, const char *operations, int status,
                              const char *type)
{
    um_json_t *patched = NULL;
    um_scim_error_t error = { 0, NULL, NULL };

    if (um_scim_patch_apply(&patched, parse(resource), parse_request(operations),
                            &um_scim_user_type, &error, pool)
        != UM_EINVALID) {
        fail_msg("%s on %s: not refused, %s", operations, resource, um_json_text(patched, pool));
    }
    assert_null(patched);
    assert_int_equal(error.status, status);
    if (type == NULL || error.type == NULL) {
        assert_ptr_equal(error.type, type);
    } else if (strcmp(error.type, type) != 0) {
        fail_msg("%s on %s: %s instead of %s", operations, resource, error.type, type);
    }
    assert_true(strlen(error.detail) > 0);
}

static void assert_refused(const char *resource, const char *operations, const char *type)
{
    assert_refused_as(resource, operations, 400, type);
}

#define ANN "{'id':'1','userName':'ann'"

/* ---- operations of RFC 7644 ---- */

static void simple_attributes_are_set_and_removed(void **state)
{
    (void)state;
    assert_patched(ANN "}", "{'op':'add','path':'title','value':'x'}", ANN ",'title':'x'}");
    assert_patched(ANN ",'title':'x'}", "{'op':'add','path':'title','value':'y'}",
                   ANN ",'title':'y'}");
    assert_patched(ANN ",'title':'x'}", "{'op':'replace','path':'TITLE','value':'y'}",
                   ANN ",'title':'y'}");
    assert_patched(ANN "}", "{'op':'replace','path':'title','value':'y'}", ANN ",'title':'y'}");
    assert_patched(ANN ",'title':'x'}", "{'op':'remove','path':'title'}", ANN "}");
    assert_patched(ANN "}", "{'op':'remove','path':'title'}", ANN "}");
    assert_patched(ANN "}",
                   "{'op':'add','path':'urn:ietf:params:scim:schemas:core:2.0:User:title',"
                   "'value':'x'}",
                   ANN ",'title':'x'}");
    assert_patched(ANN "}", "{'op':'replace','path':'externalId','value':'E'}",
                   ANN ",'externalId':'E'}");
}

static void objects_are_merged(void **state)
{
    (void)state;
    assert_patched(ANN ",'name':{'givenName':'A','familyName':'B'}}",
                   "{'op':'replace','path':'name','value':{'familyName':'C'}}",
                   ANN ",'name':{'givenName':'A','familyName':'C'}}");
    assert_patched(ANN ",'name':{'givenName':'A','familyName':'B'}}",
                   "{'op':'add','value':{'name':{'GIVENNAME':null,'familyName':'C'}}}",
                   ANN ",'name':{'familyName':'C'}}");
    assert_patched(ANN "}", "{'op':'add','path':'name.familyName','value':'C'}",
                   ANN ",'name':{'familyName':'C'}}");
    assert_patched(ANN ",'name':{'familyName':'B'}}", "{'op':'remove','path':'name.familyName'}",
                   ANN "}");
    assert_patched(ANN ",'name':{'familyName':'B'}}", "{'op':'remove','path':'name'}", ANN "}");
    assert_patched(ANN "}", "{'op':'add','path':'name','value':{'unknown':1}}", ANN "}");
    assert_refused(ANN "}", "{'op':'add','path':'name','value':'B'}", "invalidValue");
    assert_refused(ANN "}", "{'op':'add','path':'name','value':['B']}", "invalidValue");
    assert_refused(ANN "}", "{'op':'add','path':'name.familyName','value':{}}", "invalidValue");
}

static void values_are_added_once(void **state)
{
    (void)state;
    assert_patched(ANN "}",
                   "{'op':'add','path':'emails','value':[{'value':'a@x','type':'work'}]}",
                   ANN ",'emails':[{'value':'a@x','type':'work'}]}");
    assert_patched(ANN ",'emails':[{'value':'a@x','type':'work'}]}",
                   "{'op':'add','path':'emails','value':[{'value':'A@X','type':'WORK',"
                   "'display':'d'},{'value':'a@x','type':'home'}]}",
                   ANN ",'emails':[{'value':'A@X','type':'WORK','display':'d'},"
                       "{'value':'a@x','type':'home'}]}");
    assert_patched(ANN ",'emails':[{'value':'\xc3\xa4@x'}]}",
                   "{'op':'add','path':'emails','value':{'value':'\xc3\x84@x'}}",
                   ANN ",'emails':[{'value':'\xc3\x84@x'}]}");
    assert_patched(ANN ",'addresses':[{'locality':'Rome'}]}",
                   "{'op':'add','path':'addresses','value':[{'locality':'Rome'},"
                   "{'locality':'rome'}]}",
                   ANN ",'addresses':[{'locality':'Rome'},{'locality':'rome'}]}");
    assert_patched(ANN ",'emails':[{'value':'a@x'}]}", "{'op':'add','path':'emails','value':[]}",
                   ANN ",'emails':[{'value':'a@x'}]}");
}

static void lists_are_replaced(void **state)
{
    (void)state;
    assert_patched(ANN ",'emails':[{'value':'a@x'},{'value':'b@x'}]}",
                   "{'op':'replace','path':'emails','value':[{'value':'c@x'}]}",
                   ANN ",'emails':[{'value':'c@x'}]}");
    assert_patched(ANN ",'emails':[{'value':'a@x'}]}",
                   "{'op':'replace','path':'emails','value':[]}", ANN "}");
    assert_patched(ANN ",'emails':[{'value':'a@x'}]}",
                   "{'op':'replace','path':'emails','value':null}", ANN "}");
    assert_patched(ANN ",'emails':[{'value':'a@x'}]}", "{'op':'remove','path':'emails'}",
                   ANN "}");
    assert_patched(ANN ",'emails':[{'value':'a@x'}]}",
                   "{'op':'replace','path':'emails','value':['c@x',null,{'type':'work'}]}",
                   ANN ",'emails':[{'value':'c@x'}]}");
    assert_patched(ANN "}", "{'op':'replace','path':'emails','value':{'value':'c@x'}}",
                   ANN ",'emails':[{'value':'c@x'}]}");
}

#define TWO ",'emails':[{'value':'a@x','type':'work'},{'value':'b@x','type':'home'}]}"

static void elements_are_found_by_a_filter(void **state)
{
    (void)state;
    assert_patched(ANN TWO,
                   "{'op':'replace','path':'emails[type eq \\'WORK\\'].value',"
                   "'value':'c@x'}",
                   ANN ",'emails':[{'value':'c@x','type':'work'},"
                       "{'value':'b@x','type':'home'}]}");
    assert_patched(ANN TWO,
                   "{'op':'replace','path':'emails[type eq work]',"
                   "'value':{'display':'d'}}",
                   ANN ",'emails':[{'value':'a@x','type':'work','display':'d'},"
                       "{'value':'b@x','type':'home'}]}");
    assert_patched(ANN TWO, "{'op':'remove','path':'emails[type eq \\'work\\']'}",
                   ANN ",'emails':[{'value':'b@x','type':'home'}]}");
    assert_patched(ANN TWO, "{'op':'remove','path':'emails[value pr]'}", ANN "}");
    assert_patched(ANN TWO, "{'op':'remove','path':'emails[type eq \\'work\\'].type'}",
                   ANN ",'emails':[{'value':'a@x'},{'value':'b@x','type':'home'}]}");
    assert_patched(ANN TWO, "{'op':'remove','path':'emails[type eq \\'work\\'].value'}",
                   ANN ",'emails':[{'value':'b@x','type':'home'}]}");
    assert_patched(ANN TWO,
                   "{'op':'replace','path':'emails[type eq \\'work\\'].value',"
                   "'value':null}",
                   ANN ",'emails':[{'value':'b@x','type':'home'}]}");
    assert_patched(ANN TWO, "{'op':'replace','path':'emails[type eq \\'work\\']','value':null}",
                   ANN ",'emails':[{'value':'b@x','type':'home'}]}");
    assert_patched(ANN TWO, "{'op':'remove','path':'emails[type eq \\'other\\']'}", ANN TWO);
    assert_patched(ANN TWO, "{'op':'replace','path':'emails.display','value':'d'}",
                   ANN ",'emails':[{'value':'a@x','type':'work','display':'d'},"
                       "{'value':'b@x','type':'home','display':'d'}]}");
    assert_patched(ANN "}", "{'op':'replace','path':'emails.value','value':'d@x'}",
                   ANN ",'emails':[{'value':'d@x'}]}");
}

static void filters_match_as_they_say(void **state)
{
    static const struct {
        const char *filter;
        const char *left;
    } cases[] = {
        { "type eq \\'work\\' and value eq \\'a@x\\'", "b" },
        { "type eq \\'work\\' or type eq \\'home\\'", "" },
        { "not (type eq \\'work\\')", "a" },
        { "type ne \\'work\\'", "a" },
        { "value sw \\'A\\'", "b" },
        { "value ew \\'X\\'", "" },
        { "value co \\'B@\\'", "a" },
        { "value gt \\'a@x\\'", "a" },
        { "value ge \\'a@x\\'", "" },
        { "value lt \\'b@x\\'", "b" },
        { "value le \\'b@x\\'", "" },
        { "primary eq true", "ab" },
        { "primary ne true", "" },
        { "primary eq null", "" },
        { "primary ne null", "ab" },
        { "primary pr", "ab" },
        { "not (primary pr)", "" },
        { "display eq \\'\\'", "ab" },
        { "value eq 7", "ab" },
        { "value ew \\'a very long text, longer than the value\\'", "ab" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *left = cases[i].left;
        const char *expected = ANN "}";

        if (strcmp(left, "ab") == 0) {
            expected = ANN TWO;
        } else if (left[0] == 'a') {
            expected = ANN ",'emails':[{'value':'a@x','type':'work'}]}";
        } else if (left[0] == 'b') {
            expected = ANN ",'emails':[{'value':'b@x','type':'home'}]}";
        }
        assert_patched(ANN TWO,
                       apr_psprintf(pool, "{'op':'remove','path':'emails[%s]'}", cases[i].filter),
                       expected);
    }
}

static void at_most_one_value_is_primary(void **state)
{
    (void)state;
    assert_patched(ANN ",'emails':[{'value':'a@x','primary':true}]}",
                   "{'op':'add','path':'emails','value':[{'value':'b@x','primary':true}]}",
                   ANN ",'emails':[{'value':'a@x','primary':false},"
                       "{'value':'b@x','primary':true}]}");
    assert_patched(ANN ",'emails':[{'value':'a@x','primary':true},{'value':'b@x'}]}",
                   "{'op':'replace','path':'emails[value eq \\'b@x\\'].primary','value':'True'}",
                   ANN ",'emails':[{'value':'a@x','primary':false},"
                       "{'value':'b@x','primary':true}]}");
    assert_patched(ANN ",'emails':[{'value':'a@x','primary':true},{'value':'b@x'}]}",
                   "{'op':'add','path':'emails','value':[{'value':'a@x','primary':true}]}",
                   ANN ",'emails':[{'value':'a@x','primary':true},{'value':'b@x'}]}");
    assert_refused(ANN "}",
                   "{'op':'add','path':'emails','value':[{'value':'b@x','primary':true},"
                   "{'value':'c@x','primary':true}]}",
                   "invalidValue");
    assert_refused(ANN ",'emails':[{'value':'a@x'},{'value':'b@x'}]}",
                   "{'op':'replace','path':'emails.primary','value':true}", "invalidValue");
}

static void operations_hold_in_their_order(void **state)
{
    (void)state;
    assert_patched(ANN "}",
                   "{'op':'add','path':'title','value':'x'},{'op':'remove','path':'title'},"
                   "{'op':'add','path':'title','value':'y'}",
                   ANN ",'title':'y'}");
    assert_patched(ANN "}",
                   "{'op':'remove','path':'userName'},"
                   "{'op':'add','path':'userName','value':'bob'}",
                   "{'id':'1','userName':'bob'}");
    assert_patched(ANN "}",
                   "{'op':'add','path':'emails[type eq \\'work\\'].primary','value':true},"
                   "{'op':'add','path':'emails[type eq \\'work\\'].value','value':'a@x'}",
                   ANN ",'emails':[{'type':'work','primary':true,'value':'a@x'}]}");
}

static void a_request_that_makes_no_sense_is_refused(void **state)
{
    static const struct {
        const char *operations;
        const char *type;
    } cases[] = {
        { "", "invalidSyntax" },
        { "1", "invalidSyntax" },
        { "{}", "invalidSyntax" },
        { "{'op':'move','path':'title','value':'x'}", "invalidSyntax" },
        { "{'op':7,'path':'title','value':'x'}", "invalidSyntax" },
        { "{'op':'remove'}", "noTarget" },
        { "{'op':'remove','value':{'title':'x'}}", "noTarget" },
        { "{'op':'add'}", "invalidValue" },
        { "{'op':'add','value':null}", "invalidValue" },
        { "{'op':'add','value':'x'}", "invalidValue" },
        { "{'op':'add','path':'title'}", "invalidValue" },
        { "{'op':'replace','path':'title'}", "invalidValue" },
        { "{'op':'add','path':7,'value':'x'}", "invalidPath" },
        { "{'op':'add','path':'tit le','value':'x'}", "invalidPath" },
        { "{'op':'add','path':'nothing','value':'x'}", "invalidPath" },
        { "{'op':'add','path':'name.nothing','value':'x'}", "invalidPath" },
        { "{'op':'add','path':'title.nothing','value':'x'}", "invalidPath" },
        { "{'op':'add','path':'emails[type eq','value':'x'}", "invalidPath" },
        { "{'op':'add','path':'emails[nothing eq 1].value','value':'x'}", "invalidPath" },
        { "{'op':'add','path':'emails[type eq 1 or nothing pr].value','value':'x'}",
          "invalidPath" },
        { "{'op':'add','path':'title[type eq 1]','value':'x'}", "invalidPath" },
        { "{'op':'add','value':{'emails[type eq':'x'}}", "invalidPath" },
        { "{'op':'replace','path':'emails[type sw \\'w\\'].value','value':'x'}", "noTarget" },
        { "{'op':'replace','path':'emails[type eq \\'a\\' or type eq "
          "\\'b\\'].value','value':'x'}",
          "noTarget" },
        { "{'op':'replace','path':'emails[value eq \\'a\\'].value','value':'x'}", "noTarget" },
        { "{'op':'replace','path':'emails[type eq null].value','value':'x'}", "noTarget" },
        { "{'op':'add','path':'active','value':'yes'}", "invalidValue" },
        { "{'op':'add','path':'active','value':1}", "invalidValue" },
        { "{'op':'add','path':'title','value':true}", "invalidValue" },
        { "{'op':'add','path':'" ENTERPRISE_PATH "','value':'x'}", "invalidValue" },
        { "{'op':'replace','path':'id','value':'2'}", "mutability" },
        { "{'op':'replace','value':{'id':'2'}}", "mutability" },
        { "{'op':'remove','path':'id'}", "mutability" },
        { "{'op':'add','path':'groups','value':[{'value':'g'}]}", "mutability" },
        { "{'op':'replace','path':'meta.created','value':'x'}", "mutability" },
        { "{'op':'replace','path':'" ENTERPRISE_PATH ":manager.displayName','value':'x'}",
          "mutability" },
        { "{'op':'remove','path':'userName'}", "mutability" },
        { "{'op':'replace','path':'userName','value':null}", "mutability" },
        { "{'op':'replace','value':{'userName':null}}", "mutability" },
        { "{'op':'remove','path':'urn:ietf:params:scim:schemas:core:2.0:User'}", "mutability" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_refused(ANN ",'meta':{'created':'now'}}", cases[i].operations, cases[i].type);
    }
}

/* ---- what real clients send ---- */

static void ops_are_taken_in_any_case(void **state)
{
    (void)state;
    assert_patched(ANN "}", "{'op':'Add','path':'title','value':'x'}", ANN ",'title':'x'}");
    assert_patched(ANN "}", "{'OP':'REPLACE','Path':'title','Value':'x'}", ANN ",'title':'x'}");
    assert_patched(ANN ",'title':'x'}", "{'op':'Remove','path':'title'}", ANN "}");
}

static void booleans_may_be_texts(void **state)
{
    (void)state;
    assert_patched(ANN "}", "{'op':'Replace','path':'active','value':'False'}",
                   ANN ",'active':false}");
    assert_patched(ANN "}", "{'op':'replace','value':{'active':'True'}}", ANN ",'active':true}");
    assert_patched(ANN "}",
                   "{'op':'add','path':'roles','value':[{'value':'r','primary':'true'}]}",
                   ANN ",'roles':[{'value':'r','primary':true}]}");
    assert_patched(ANN ",'roles':[{'value':'r','primary':true}]}",
                   "{'op':'replace','path':'roles[primary eq \\'True\\'].value','value':'s'}",
                   ANN ",'roles':[{'value':'s','primary':true}]}");
    assert_patched(ANN "}",
                   "{'op':'Add','path':'roles[primary eq \\'True\\'].value','value':'s'}",
                   ANN ",'roles':[{'value':'s','primary':true}]}");
}

static void names_without_a_path_may_be_paths(void **state)
{
    (void)state;
    assert_patched(ANN "}",
                   "{'op':'replace','value':{'displayName':'Ann','name.familyName':'X',"
                   "'emails[type eq \\'work\\'].value':'a@x',"
                   "'" ENTERPRISE_PATH ":department':'D'," ENTERPRISE
                   ":{'costCenter':'C'},'unknown':1,'name.unknown':2,'urn:other:User':{'a':1},"
                   "'urn:other:User:a':1,'not a name':1}}",
                   ANN ",'displayName':'Ann','name':{'familyName':'X'},"
                       "'emails':[{'type':'work','value':'a@x'}]," ENTERPRISE
                       ":{'department':'D','costCenter':'C'}}");
    assert_patched(ANN "}", "{'op':'add','path':'','value':{'title':'x'}}", ANN ",'title':'x'}");
    assert_patched(ANN "}", "{'op':'add','path':null,'value':{'title':'x'}}",
                   ANN ",'title':'x'}");
    assert_patched(ANN "}",
                   "{'op':'add','value':{'urn:ietf:params:scim:schemas:core:2.0:User':"
                   "{'title':'x'}}}",
                   ANN ",'title':'x'}");
}

static void an_element_that_is_missing_is_added(void **state)
{
    (void)state;
    assert_patched(ANN "}",
                   "{'op':'Add','path':'emails[type eq \\'work\\'].value','value':'a@x'}",
                   ANN ",'emails':[{'type':'work','value':'a@x'}]}");
    assert_patched(ANN ",'emails':[{'type':'home','value':'b@x'}]}",
                   "{'op':'Replace','path':'emails[type eq \\'work\\'].value','value':'a@x'}",
                   ANN
                   ",'emails':[{'type':'home','value':'b@x'},{'type':'work','value':'a@x'}]}");
    assert_patched(ANN "}",
                   "{'op':'add','path':'addresses[type eq \\'work\\' and primary eq true]"
                   ".locality','value':'Rome'}",
                   ANN ",'addresses':[{'type':'work','primary':true,'locality':'Rome'}]}");
    assert_patched(ANN "}",
                   "{'op':'add','path':'phoneNumbers[type eq \\'mobile\\']',"
                   "'value':{'value':'1'}}",
                   ANN ",'phoneNumbers':[{'type':'mobile','value':'1'}]}");
    assert_patched(ANN "}",
                   "{'op':'replace','path':'emails[type eq \\'work\\'].value','value':null}",
                   ANN "}");
}

static void a_removal_can_name_its_values(void **state)
{
    (void)state;
    assert_patched(ANN TWO, "{'op':'Remove','path':'emails','value':[{'value':'A@X'}]}",
                   ANN ",'emails':[{'value':'b@x','type':'home'}]}");
    assert_patched(ANN TWO, "{'op':'remove','path':'emails','value':[]}", ANN TWO);
    assert_patched(ANN TWO, "{'op':'remove','path':'emails','value':[{}]}", ANN TWO);
    assert_patched(ANN TWO, "{'op':'remove','path':'emails','value':['c@x']}", ANN TWO);
    assert_patched(ANN TWO, "{'op':'remove','path':'emails','value':null}", ANN "}");
    assert_patched(ANN ",'title':'x'}", "{'op':'remove','path':'title','value':7}", ANN "}");
}

static void what_nobody_can_write_may_be_sent_back(void **state)
{
    (void)state;
    assert_patched(ANN ",'meta':{'version':'1'}}",
                   "{'op':'replace','value':{'id':'1','title':'x','meta':{'version':'2'},"
                   "'groups':[],'schemas':['urn:x'],'password':'p'}}",
                   ANN ",'meta':{'version':'1'},'title':'x'}");
    assert_patched(ANN "}", "{'op':'replace','path':'id','value':'1'}", ANN "}");
    assert_patched(ANN "}", "{'op':'replace','path':'password','value':'secret'}", ANN "}");
    assert_patched(ANN "}", "{'op':'add','path':'schemas','value':['urn:x']}", ANN "}");
    assert_patched(ANN ",'meta':{'version':'1'}}",
                   "{'op':'replace','path':'meta.version','value':'1'}",
                   ANN ",'meta':{'version':'1'}}");
}

#define MANAGER(value) ANN "," ENTERPRISE ":{'manager':" value "}}"

static void a_manager_has_many_forms(void **state)
{
    (void)state;
    assert_patched(ANN "}", "{'op':'Add','path':'" ENTERPRISE_PATH ":manager','value':'7'}",
                   MANAGER("{'value':'7'}"));
    assert_patched(ANN "}",
                   "{'op':'replace','path':'" ENTERPRISE_PATH ":manager','value':{'value':'7',"
                   "'displayName':'not kept','$ref':null}}",
                   MANAGER("{'value':'7'}"));
    assert_patched(ANN "}", "{'op':'add','path':'" ENTERPRISE_PATH ":manager.value','value':'7'}",
                   MANAGER("{'value':'7'}"));
    assert_patched(ANN "}", "{'op':'add','value':{" ENTERPRISE ":{'manager':'7'}}}",
                   MANAGER("{'value':'7'}"));
    assert_patched(MANAGER("{'value':'7','$ref':'../Users/7'}"),
                   "{'op':'replace','path':'" ENTERPRISE_PATH ":manager','value':'8'}",
                   MANAGER("{'value':'8'}"));
    assert_patched(MANAGER("{'value':'7'}"),
                   "{'op':'replace','path':'" ENTERPRISE_PATH ":manager','value':''}", ANN "}");
    assert_patched(MANAGER("{'value':'7'}"),
                   "{'op':'Replace','path':'" ENTERPRISE_PATH ":manager','value':{'value':''}}",
                   ANN "}");
    assert_patched(MANAGER("{'value':'7'}"),
                   "{'op':'replace','path':'" ENTERPRISE_PATH ":manager','value':{'value':null}}",
                   ANN "}");
    assert_patched(MANAGER("{'value':'7'}"),
                   "{'op':'replace','path':'" ENTERPRISE_PATH ":manager','value':null}", ANN "}");
    assert_patched(MANAGER("{'value':'7'}"),
                   "{'op':'remove','path':'" ENTERPRISE_PATH ":manager'}", ANN "}");
    assert_patched(MANAGER("{'value':'7'}"),
                   "{'op':'replace','path':'" ENTERPRISE_PATH ":manager',"
                   "'value':{'displayName':'x'}}",
                   MANAGER("{'value':'7'}"));
}

static void null_unassigns(void **state)
{
    (void)state;
    assert_patched(ANN ",'title':'x'}", "{'op':'replace','path':'title','value':null}", ANN "}");
    assert_patched(ANN ",'title':'x'}", "{'op':'replace','value':{'title':null}}", ANN "}");
    assert_patched(ANN ",'name':{'familyName':'x'}}",
                   "{'op':'replace','value':{'name.familyName':null}}", ANN "}");
    assert_patched(ANN "," ENTERPRISE ":{'department':'D'}}",
                   "{'op':'replace','value':{" ENTERPRISE ":null}}", ANN "}");
    assert_patched(ANN ",'emails':[{'value':'a@x','type':'work','display':'d'}]}",
                   "{'op':'replace','path':'emails[type eq work]','value':{'display':null}}",
                   ANN ",'emails':[{'value':'a@x','type':'work'}]}");
}

/* ---- the organization's own attributes ---- */

static void custom_attributes_are_of_any_type(void **state)
{
    (void)state;
    assert_patched(ANN "}", "{'op':'add','path':'" CUSTOM_PATH ":height','value':170.5}",
                   ANN "," CUSTOM ":{'height':170.5}}");
    assert_patched(ANN "," CUSTOM ":{'Height':1}}",
                   "{'op':'replace','path':'" CUSTOM_PATH ":height','value':'True'}",
                   ANN "," CUSTOM ":{'Height':'True'}}");
    assert_patched(ANN "," CUSTOM ":{'a':{'b':1}}}",
                   "{'op':'replace','path':'" CUSTOM_PATH ":a','value':{'c':null}}",
                   ANN "," CUSTOM ":{'a':{'c':null}}}");
    assert_patched(ANN "," CUSTOM ":{'a':{'b':1}}}",
                   "{'op':'replace','path':'" CUSTOM_PATH ":a.b','value':2},"
                   "{'op':'add','path':'" CUSTOM_PATH ":a.c','value':3}",
                   ANN "," CUSTOM ":{'a':{'b':2,'c':3}}}");
    assert_patched(ANN "," CUSTOM ":{'a.b':1,'c':1}}",
                   "{'op':'replace','path':'" CUSTOM_PATH ":A.b','value':2}",
                   ANN "," CUSTOM ":{'a.b':2,'c':1}}");
    assert_patched(ANN "," CUSTOM ":{'a b':1}}",
                   "{'op':'replace','value':{" CUSTOM ":{'a b':2,'c.d':3}}}",
                   ANN "," CUSTOM ":{'a b':2,'c.d':3}}");
    assert_patched(ANN "," CUSTOM ":{'a':[1]}}",
                   "{'op':'add','path':'" CUSTOM_PATH ":a','value':[1,2]}",
                   ANN "," CUSTOM ":{'a':[1,2]}}");
    assert_patched(ANN "," CUSTOM ":{'a':[1,'x',{'b':'y'}]}}",
                   "{'op':'remove','path':'" CUSTOM_PATH ":a[value eq \\'X\\' or b eq y]'}",
                   ANN "," CUSTOM ":{'a':[1]}}");
    assert_patched(ANN "," CUSTOM ":{'a':[1,2.5,true]}}",
                   "{'op':'remove','path':'" CUSTOM_PATH ":a[value gt 2 or value eq true]'}",
                   ANN "," CUSTOM ":{'a':[1]}}");
    assert_patched(ANN "," CUSTOM ":{'a':['x','y']}}",
                   "{'op':'replace','path':'" CUSTOM_PATH ":a[value eq x]','value':'z'}",
                   ANN "," CUSTOM ":{'a':['z','y']}}");
    assert_patched(ANN "," CUSTOM ":{'a':1}}", "{'op':'remove','path':'" CUSTOM_PATH ":a'}",
                   ANN "}");
    assert_patched(ANN "," CUSTOM ":{'a':1}}", "{'op':'remove','path':'" CUSTOM_PATH ":b.c'}",
                   ANN "," CUSTOM ":{'a':1}}");
    assert_refused(ANN "," CUSTOM ":{'a':1}}",
                   "{'op':'add','path':'" CUSTOM_PATH ":a.b','value':1}", "noTarget");
    assert_refused(ANN "," CUSTOM ":{'a':1}}",
                   "{'op':'remove','path':'" CUSTOM_PATH ":a[b eq 1]'}", "noTarget");
    assert_refused(ANN "," CUSTOM ":{'a':['x']}}",
                   "{'op':'replace','path':'" CUSTOM_PATH ":a[value eq y]','value':'z'}",
                   "noTarget");
}

static void schemas_are_those_of_the_attributes(void **state)
{
    um_json_t *patched;

    (void)state;
    patched = apply_to(&um_scim_user_type, ANN "}",
                       "{'op':'add','path':'" ENTERPRISE_PATH ":department','value':'D'}");
    assert_true(um_json_equal(um_json_member(patched, "schemas"),
                              parse("['urn:ietf:params:scim:schemas:core:2.0:User'," ENTERPRISE
                                    "]")));
    patched = apply_to(&um_scim_user_type,
                       ANN ",'schemas':['urn:ietf:params:scim:schemas:core:2.0:User'," ENTERPRISE
                           "]," ENTERPRISE ":{'department':'D'}}",
                       "{'op':'remove','path':'" ENTERPRISE_PATH ":department'}");
    assert_true(um_json_equal(patched,
                              parse(ANN ",'schemas':"
                                        "['urn:ietf:params:scim:schemas:core:2.0:User']}")));
    assert_patched(ANN "," ENTERPRISE ":{'department':'D'}}",
                   "{'op':'remove','path':'" ENTERPRISE_PATH "'}", ANN "}");
}

/* ---- groups ---- */

static void members_are_an_attribute_like_others(void **state)
{
    const um_scim_resource_type_t *group = &um_scim_group_type;

    (void)state;
    assert_type_patched(group, "{'displayName':'g','members':[{'value':'1'}]}",
                        "{'op':'Add','value':{'members':[{'value':'1','$ref':null},'2']}}",
                        "{'displayName':'g','members':[{'value':'1'},{'value':'2'}]}");
    assert_type_patched(group, "{'displayName':'g','members':[{'value':'a'},{'value':'A'}]}",
                        "{'op':'Remove','path':'members','value':[{'value':'a'}]}",
                        "{'displayName':'g','members':[{'value':'A'}]}");
    assert_type_patched(group, "{'displayName':'g','members':[{'value':'a'},{'value':'A'}]}",
                        "{'op':'remove','path':'members[value eq \\'a\\']'}",
                        "{'displayName':'g','members':[{'value':'A'}]}");
}

static void operations_are_read_one_by_one(void **state)
{
    um_json_t *request = parse_request(
        "{'op':'Add','value':{'displayName':'x','members':['1',{'value':'2','type':'User'}]}},"
        "{'op':'remove','path':'members[value eq \\'3\\']'},"
        "{'op':'Remove','path':'members','value':[{'value':'4'}]},"
        "{'op':'replace','path':'members','value':null}");
    apr_array_header_t *operations = NULL;
    um_scim_error_t error;
    const um_scim_operation_t *each;

    (void)state;
    assert_int_equal(um_scim_patch_read(&operations, &error, request, &um_scim_group_type, pool),
                     APR_SUCCESS);
    assert_int_equal(operations->nelts, 5);
    each = (const um_scim_operation_t *)operations->elts;
    assert_string_equal(each[0].target.name, "displayName");
    assert_false(each[0].has_path);
    assert_string_equal(each[1].target.name, "members");
    assert_int_equal(each[1].kind, UM_SCIM_ADD);
    assert_string_equal(um_json_text(each[1].value, pool),
                        "[{\"value\":\"1\"},{\"value\":\"2\",\"type\":\"User\"}]");
    assert_int_equal(each[2].kind, UM_SCIM_REMOVE);
    assert_true(each[2].has_path);
    assert_string_equal(each[2].filter->value.text, "3");
    assert_null(each[2].value);
    assert_string_equal(um_json_text(each[3].value, pool), "[{\"value\":\"4\"}]");
    assert_int_equal(each[4].kind, UM_SCIM_REPLACE);
    assert_null(each[4].value);
}

/* A change may run twice. */
static void operations_can_be_applied_twice(void **state)
{
    um_json_t *request = parse_request("{'op':'add','path':'emails','value':[{'value':'a@x'}]},"
                                       "{'op':'add','path':'emails.display','value':'d'}");
    apr_array_header_t *operations = NULL;
    um_scim_error_t error;
    um_json_t *patched[2] = { NULL, NULL };

    (void)state;
    assert_int_equal(um_scim_patch_read(&operations, &error, request, &um_scim_user_type, pool),
                     APR_SUCCESS);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(um_scim_patch_run(&patched[i], &error, parse(ANN "}"), operations,
                                           &um_scim_user_type, pool),
                         APR_SUCCESS);
    }
    assert_true(um_json_equal(patched[0], patched[1]));
    assert_string_equal(um_json_text(APR_ARRAY_IDX(operations, 0, um_scim_operation_t).value,
                                     pool),
                        "[{\"value\":\"a@x\"}]");
}

/* ---- bounds ---- */

static void operations_are_bounded(void **state)
{
    const char *one = ",{'op':'add','path':'title','value':'x'}";

    (void)state;
    assert_patched(ANN "}", times(UM_SCIM_OPERATIONS_MAX, one) + 1, ANN ",'title':'x'}");
    assert_refused_as(ANN "}", times(UM_SCIM_OPERATIONS_MAX + 1, one) + 1, 413, NULL);
}

/* A value that is set in each of many elements would take gigabytes, even if it is removed again.
 */
static void copies_are_bounded(void **state)
{
    const char *elements = times(1100, ",{'a':1}");
    const char *value = times(1000, ",1");

    (void)state;
    assert_refused_as(apr_pstrcat(pool, ANN "," CUSTOM ":{'a':[", elements + 1, "]}}", NULL),
                      apr_pstrcat(pool,
                                  "{'op':'add','path':'" CUSTOM_PATH ":a[a eq 1].b',"
                                  "'value':[",
                                  value + 1, "]},{'op':'remove','path':'" CUSTOM_PATH ":a'}",
                                  NULL),
                      413, NULL);
}

static void values_are_bounded_in_the_end(void **state)
{
    const char *value = apr_pstrcat(pool, "[", times(4000, ",1") + 1, "]", NULL);
    const char *add_two = apr_pstrcat(pool,
                                      "{'op':'add','path':'" CUSTOM_PATH ":a','value':", value,
                                      "},{'op':'add','path':'" CUSTOM_PATH ":b','value':", value,
                                      "}", NULL);
    const char *user = apr_pstrcat(pool, ANN "," CUSTOM ":{'c':", value, "}}", NULL);

    (void)state;
    assert_patched(user,
                   apr_pstrcat(pool, add_two, ",{'op':'remove','path':'" CUSTOM_PATH ":b'}",
                               NULL),
                   apr_pstrcat(pool, ANN "," CUSTOM ":{'c':", value, ",'a':", value, "}}", NULL));
    assert_refused_as(user, add_two, 413, NULL);
}

/* ---- resources of POST and PUT ---- */

static void assert_read(const char *given, const char *expected)
{
    um_json_t *resource = NULL;
    um_scim_error_t error;

    assert_int_equal(um_scim_resource_read(&resource, &error, parse(given), &um_scim_user_type,
                                           pool),
                     APR_SUCCESS);
    um_json_remove(resource, "schemas");
    if (!um_json_equal(resource, parse(expected))) {
        fail_msg("%s: %s", given, um_json_text(resource, pool));
    }
}

static void resources_are_read_by_the_schema(void **state)
{
    (void)state;
    assert_read(
        "{'USERNAME':'ann','Active':'False','id':'7','meta':{},'groups':[],'password':'p',"
        "'unknown':1,'urn:x':{'a':1},'title':null,'emails':['a@x',{'value':'b@x',"
        "'primary':'True','x':1,'display':null}]," ENTERPRISE
        ":{'manager':'','employeeNumber':701984,'x':1}," CUSTOM
        ":{'h':1,'t':'True','none':null}}",
        "{'userName':'ann','active':false,'emails':[{'value':'a@x'},{'value':'b@x',"
        "'primary':true}]," ENTERPRISE ":{'employeeNumber':'701984'}," CUSTOM
        ":{'h':1,'t':'True'}}");
    assert_read("{'userName':'ann'," ENTERPRISE ":{'manager':null}," CUSTOM ":null,'name':{}}",
                "{'userName':'ann'}");
}

static void resources_of_wrong_types_are_refused(void **state)
{
    static const char *const bad[] = {
        "{'userName':{}}",  "{'active':'x'}",      "{'name':'x'}",
        "{'emails':[[1]]}", "{" ENTERPRISE ":[]}", "{'emails':[{'value':{}}]}",
        "{'title':[1]}",    "{'nickName':1.5}",    "{'emails':[{'value':'a','primary':2}]}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        um_json_t *resource = NULL;
        um_scim_error_t error = { 0, NULL, NULL };

        assert_int_equal(um_scim_resource_read(&resource, &error, parse(bad[i]),
                                               &um_scim_user_type, pool),
                         UM_EINVALID);
        assert_null(resource);
        assert_int_equal(error.status, 400);
        assert_string_equal(error.type, "invalidValue");
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_POOL(simple_attributes_are_set_and_removed),
        WITH_POOL(objects_are_merged),
        WITH_POOL(values_are_added_once),
        WITH_POOL(lists_are_replaced),
        WITH_POOL(elements_are_found_by_a_filter),
        WITH_POOL(filters_match_as_they_say),
        WITH_POOL(at_most_one_value_is_primary),
        WITH_POOL(operations_hold_in_their_order),
        WITH_POOL(a_request_that_makes_no_sense_is_refused),
        WITH_POOL(ops_are_taken_in_any_case),
        WITH_POOL(booleans_may_be_texts),
        WITH_POOL(names_without_a_path_may_be_paths),
        WITH_POOL(an_element_that_is_missing_is_added),
        WITH_POOL(a_removal_can_name_its_values),
        WITH_POOL(what_nobody_can_write_may_be_sent_back),
        WITH_POOL(a_manager_has_many_forms),
        WITH_POOL(null_unassigns),
        WITH_POOL(custom_attributes_are_of_any_type),
        WITH_POOL(schemas_are_those_of_the_attributes),
        WITH_POOL(members_are_an_attribute_like_others),
        WITH_POOL(operations_are_read_one_by_one),
        WITH_POOL(operations_can_be_applied_twice),
        WITH_POOL(operations_are_bounded),
        WITH_POOL(copies_are_bounded),
        WITH_POOL(values_are_bounded_in_the_end),
        WITH_POOL(resources_are_read_by_the_schema),
        WITH_POOL(resources_of_wrong_types_are_refused),
    };

    return RUN("scim_patch", tests);
}
