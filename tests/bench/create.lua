-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
-- A create per request, each of another address.

local threads = 0

function setup(thread)
    thread:set("number", threads)
    threads = threads + 1
end

function init(args)
    run = args[1]
    count = 0
end

function request()
    count = count + 1
    local body = string.format(
        '{"email": "new-%s-%d-%d@bench.example.com", "display_name": "New %d", "height": 175}',
        run, number, count, count)
    return wrk.format("POST", nil, nil, body)
end
