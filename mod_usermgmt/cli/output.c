/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file output.c Where a command's results go, see tool.h. */

#include <apr_strings.h>

#include "tool.h"

um_exit_t um_tool_open_output(um_tool_t *tool)
{
    apr_status_t status;

    tool->output = um_options_value(&tool->options, UM_OPTION_OUTPUT);
    if (tool->output == NULL) {
        return UM_EXIT_OK;
    }
    tool->part = apr_pstrcat(tool->pool, tool->output, ".part", NULL);
    status = apr_file_open(&tool->out, tool->part,
                           APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE,
                           APR_FPROT_UREAD | APR_FPROT_UWRITE, tool->pool);
    if (status != APR_SUCCESS) {
        um_tool_say(tool, "%s can't be written: %pm", tool->part, &status);
        tool->output = NULL;
        return UM_EXIT_REFUSED;
    }
    return UM_EXIT_OK;
}

um_exit_t um_tool_close_output(um_tool_t *tool, um_exit_t end)
{
    apr_status_t status;

    if (tool->output == NULL) {
        return end;
    }
    status = apr_file_sync(tool->out);
    if (status == APR_SUCCESS) {
        status = apr_file_close(tool->out);
    }
    if (status == APR_SUCCESS && end == UM_EXIT_OK) {
        status = apr_file_rename(tool->part, tool->output, tool->pool);
    }
    if (status != APR_SUCCESS) {
        um_tool_say(tool, "%s can't be written: %pm", tool->output, &status);
        end = UM_EXIT_REFUSED;
    }
    if (end != UM_EXIT_OK) {
        apr_file_remove(tool->part, tool->pool);
    }
    return end;
}

um_exit_t um_tool_write(const um_tool_t *tool, const um_buffer_t *text)
{
    apr_status_t status = apr_file_write_full(tool->out, text->data, text->length, NULL);

    if (status != APR_SUCCESS) {
        um_tool_say(tool, "the output can't be written: %pm", &status);
        return UM_EXIT_REFUSED;
    }
    return UM_EXIT_OK;
}
