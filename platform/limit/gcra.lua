-- Counts an event of a key if there is room for it, and returns 0; if not, counts
-- nothing and returns after how many microseconds there will be. The key holds the
-- instant at which it is at rest, by the server's clock, and is gone then.
-- ARGV: microseconds between events, and how far ahead of now that instant may be.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, debt = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = now + debt + interval

local function keep(rest)
  redis.call('SET', KEYS[1], string.format('%.0f', rest), 'PX', math.ceil((rest - now) / 1000))
end

local rest = tonumber(redis.pcall('GET', KEYS[1])) or now
if rest > full then -- the clock was set back: nobody owes more than the full debt
  rest = full
  keep(rest)
end
rest = math.max(rest, now)
local wait = rest - now - debt
if wait > 0 then
  return math.ceil(wait)
end
keep(rest + interval)
return 0
