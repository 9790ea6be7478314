-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
-- What wrk sends: one request again and again, with another value in each. Its arguments:
--     METHOD PATH BODY KIND FIRST COUNT RUN
-- The value takes the place of PLACE in the path or the body; where PLACE comes a second
-- time, a value of kind new does. By its KIND the value is
--     none    there is none
--     uid     the user_uid of a user drawn at random, of COUNT users from FIRST on
--     number  the number of one drawn at random
--     once    the user_uid of a user that can be deleted, each once
--     new     20 digits that no other request has, nor another RUN

-- As long as a user_uid, so that the length of the body is right.
local PLACE = "{value.............}"
local threads = 0

function setup(thread)
    thread:set("thread_number", threads)
    threads = threads + 1
end

local kinds = {}

function kinds.uid(first, count)
    return function() return string.format("0%019d", first + math.random(0, count - 1)) end
end

function kinds.number(first, count)
    return function() return string.format("%d", first + math.random(0, count - 1)) end
end

function kinds.once(first)
    local number = first + thread_number - 2
    return function()
        number = number + 2
        return string.format("1%019d", number)
    end
end

function kinds.new(_, _, run)
    local count = 0
    return function()
        count = count + 1
        return string.format("%013d%01d%06d", run, thread_number, count)
    end
end

-- What stands before the first PLACE, and what behind it; all, if there is none.
local function split(text)
    local begins, ends = string.find(text, PLACE, 1, true)
    if not begins then
        return text
    end
    return string.sub(text, 1, begins - 1), string.sub(text, ends + 1)
end

function init(args)
    local method, path, body, kind, first, count, run = unpack(args)
    local text = wrk.format(method, path, nil, body ~= "" and body or nil)
    if kind == "none" then
        request = function() return text end
        return
    end
    math.randomseed(tonumber(run) % 1000000 * 2 + thread_number)
    local value = kinds[kind](tonumber(first), tonumber(count), tonumber(run))
    local new = kinds.new(nil, nil, tonumber(run))
    local head, tail = split(text)
    local middle, last = split(tail)
    if last then
        request = function() return head .. value() .. middle .. new() .. last end
    else
        request = function() return head .. value() .. tail end
    end
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format("bench: %d %d %d %d %d %d %d %d\n", summary.requests,
        summary.duration, latency:percentile(50), latency:percentile(99),
        latency:percentile(99.9), latency.max, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
