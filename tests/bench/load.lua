-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
-- What wrk sends: one request again and again, with another value in each. Its arguments:
--     METHOD PATH BODY KIND FIRST COUNT RUN ORGANIZATIONS MEMBERS
-- The value takes the place of PLACE in the path or the body; where PLACE comes a second
-- time, a value of kind new does. By its KIND the value is
--     none    there is none
--     uid     the user_uid of a user drawn at random, of COUNT users from FIRST on
--     number  the number of one drawn at random
--     once    the user_uid of a user that can be deleted, each once
--     new     20 digits that no other request has, nor another RUN
-- If there are ORGANIZATIONS, the name of the user's organization takes the place of ORGANIZATION
-- in a header. Each has so many MEMBERS, whose numbers follow each other; those of kind once are
-- dealt out in turn. Where there is no user it is one drawn at random.

-- As long as a user_uid, so that the length of the body is right.
local PLACE = "{value.............}"
local ORGANIZATION = "{organization......}"
local threads = 0

function setup(thread)
    thread:set("thread_number", threads)
    threads = threads + 1
end

-- Each gives a value, and the number of the user that it is of, if there is one.
local kinds = {}

function kinds.none()
    return function() return "" end
end

function kinds.uid(first, count)
    return function()
        local number = first + math.random(0, count - 1)
        return string.format("0%019d", number), number
    end
end

function kinds.number(first, count)
    return function()
        local number = first + math.random(0, count - 1)
        return string.format("%d", number), number
    end
end

function kinds.once(first)
    local number = first + thread_number - 2
    return function()
        number = number + 2
        return string.format("1%019d", number), number
    end
end

function kinds.new(_, _, run)
    local count = 0
    return function()
        count = count + 1
        return string.format("%013d%01d%06d", run, thread_number, count)
    end
end

-- What stands before the first of a place, and what behind it; all, if there is none.
local function split(text, place)
    local begins, ends = string.find(text, place, 1, true)
    if not begins then
        return text
    end
    return string.sub(text, 1, begins - 1), string.sub(text, ends + 1)
end

local function organization_of(kind, organizations, members)
    if kind == "once" then
        return function(number) return number % organizations end
    end
    return function(number)
        return number and math.floor(number / members) or math.random(0, organizations - 1)
    end
end

-- The request of each value: what makes it of a text, and the value that stands there first.
local function filler(text, new)
    local head, tail = split(text, PLACE)
    if not tail then
        return function() return text end
    end
    local middle, last = split(tail, PLACE)
    if last then
        return function(value) return head .. value .. middle .. new() .. last end
    end
    return function(value) return head .. value .. tail end
end

function init(args)
    local method, path, body, kind, first, count, run, organizations, members = unpack(args)
    local text = wrk.format(method, path, nil, body ~= "" and body or nil)
    math.randomseed(tonumber(run) % 1000000 * 2 + thread_number)
    local value = kinds[kind](tonumber(first), tonumber(count), tonumber(run))
    local new = kinds.new(nil, nil, tonumber(run))
    local head, tail = split(text, ORGANIZATION)
    local fill = filler(head, new)
    if not tail then
        if kind == "none" then
            request = function() return text end
        else
            request = function() return fill((value())) end
        end
        return
    end
    local organization = organization_of(kind, tonumber(organizations), tonumber(members))
    local has_value = string.find(head, PLACE, 1, true)
    local fill_rest = filler(tail, new)
    request = function()
        local text_of, number = value()
        return fill(text_of) .. "o" .. organization(number)
            .. fill_rest(has_value and new() or text_of)
    end
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format("bench: %d %d %d %d %d %d %d %d\n", summary.requests,
        summary.duration, latency:percentile(50), latency:percentile(99),
        latency:percentile(99.9), latency.max, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
