/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file instant.c Points in time as texts, see instant.h. */

#include "instant.h"

#define MS_PER_SECOND 1000
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR (60 * MS_PER_MINUTE)
#define MS_PER_DAY (24 * MS_PER_HOUR)

/* Days from 0000-01-01, which is day 0 in this file, to 1970-01-01. */
#define EPOCH_DAY 719528
#define DAYS_PER_400_YEARS 146097

#define FIRST_MS (-(apr_int64_t)EPOCH_DAY * MS_PER_DAY)
#define LAST_MS (APR_INT64_C(3652425) * MS_PER_DAY + FIRST_MS - 1)

typedef struct um_date_t {
    int year;
    int month;
    int day;
} um_date_t;

static int is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 0000-01-01 to the beginning of a year; the year 0 is a leap year. */
static int days_before_year(int year)
{
    int last = year - 1;

    return year == 0 ? 0 : 365 * year + last / 4 - last / 100 + last / 400 + 1;
}

/* Days of a year before a month; month 13 gives the days of the whole year. */
static int days_before_month(int year, int month)
{
    static const short days[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };

    return days[month - 1] + (month > 2 && is_leap(year));
}

static um_date_t date_of(int days)
{
    um_date_t date;

    /* The mean length of a year gives the right year, or the one before or after it. */
    date.year = (int)((apr_int64_t)days * 400 / DAYS_PER_400_YEARS);
    if (days < days_before_year(date.year)) {
        date.year--;
    }
    days -= days_before_year(date.year);
    if (days >= days_before_month(date.year, 13)) {
        days -= days_before_month(date.year, 13);
        date.year++;
    }
    /* No month is longer than 31 days, so this month or the next. */
    date.month = days / 31 + 1;
    if (days >= days_before_month(date.year, date.month + 1)) {
        date.month++;
    }
    date.day = days - days_before_month(date.year, date.month) + 1;
    return date;
}

/* ---- writing ---- */

/* Two digits and what follows them. Without a loop, because a page has many instants. */
static char *put_pair(char *text, int number, char next)
{
    text[0] = (char)('0' + number / 10);
    text[1] = (char)('0' + number % 10);
    text[2] = next;
    return text + 3;
}

void um_instant_format(char text[UM_INSTANT_LENGTH + 1], apr_int64_t ms)
{
    apr_int64_t since = (ms < FIRST_MS ? FIRST_MS : ms > LAST_MS ? LAST_MS : ms) - FIRST_MS;
    um_date_t date = date_of((int)(since / MS_PER_DAY));
    int rest = (int)(since % MS_PER_DAY);

    text[0] = (char)('0' + date.year / 1000);
    text[1] = (char)('0' + date.year / 100 % 10);
    text = put_pair(text + 2, date.year % 100, '-');
    text = put_pair(text, date.month, '-');
    text = put_pair(text, date.day, 'T');
    text = put_pair(text, rest / MS_PER_HOUR, ':');
    text = put_pair(text, rest / MS_PER_MINUTE % 60, ':');
    text = put_pair(text, rest / MS_PER_SECOND % 60, '.');
    text[0] = (char)('0' + rest % MS_PER_SECOND / 100);
    text = put_pair(text + 1, rest % 100, 'Z');
    *text = '\0';
}

/* ---- reading: each function moves *text behind the part that it has read ---- */

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int take_number(int *number, const char **text, int count, int min, int max)
{
    *number = 0;
    for (int i = 0; i < count; i++, (*text)++) {
        if (!is_digit(**text)) {
            return 0;
        }
        *number = *number * 10 + (**text - '0');
    }
    return *number >= min && *number <= max;
}

static int take(const char **text, char c)
{
    return *(*text)++ == c;
}

static int take_date(apr_int64_t *days, const char **text)
{
    um_date_t date;
    int before;

    if (!take_number(&date.year, text, 4, 0, 9999) || !take(text, '-')
        || !take_number(&date.month, text, 2, 1, 12) || !take(text, '-')
        || !take_number(&date.day, text, 2, 1, 31)) {
        return 0;
    }
    before = days_before_month(date.year, date.month);
    *days = days_before_year(date.year) + before + date.day - 1;
    return date.day <= days_before_month(date.year, date.month + 1) - before;
}

/* The milliseconds of a fraction, and whether digits other than 0 follow them. The
 * fraction may be missing. */
static int take_fraction(int *ms, int *more, const char **text)
{
    int unit = 100;

    *ms = 0;
    *more = 0;
    if (**text != '.') {
        return 1;
    }
    (*text)++;
    if (!is_digit(**text)) {
        return 0;
    }
    for (; is_digit(**text); (*text)++) {
        *ms += (**text - '0') * unit;
        *more = *more || (unit == 0 && **text != '0');
        unit /= 10;
    }
    return 1;
}

static int take_time(apr_int64_t *ms, int *more, int *is_leap_second, const char **text)
{
    int hour;
    int minute;
    int second;
    int fraction;

    if (!take_number(&hour, text, 2, 0, 23) || !take(text, ':')
        || !take_number(&minute, text, 2, 0, 59) || !take(text, ':')
        || !take_number(&second, text, 2, 0, 60) || !take_fraction(&fraction, more, text)) {
        return 0;
    }
    *ms = (apr_int64_t)hour * MS_PER_HOUR + minute * MS_PER_MINUTE + second * MS_PER_SECOND
          + fraction;
    *is_leap_second = second == 60;
    return 1;
}

static int take_offset(apr_int64_t *ms, const char **text)
{
    char sign = *(*text)++;
    int hour;
    int minute;

    *ms = 0;
    if (sign == 'Z' || sign == 'z') {
        return 1;
    }
    if ((sign != '+' && sign != '-') || !take_number(&hour, text, 2, 0, 23) || !take(text, ':')
        || !take_number(&minute, text, 2, 0, 59)) {
        return 0;
    }
    *ms = hour * MS_PER_HOUR + minute * MS_PER_MINUTE;
    if (sign == '-') {
        *ms = -*ms;
    }
    return 1;
}

/* A leap second is the last one of a month in UTC, so the next second begins a month. */
static int begins_month(apr_int64_t ms)
{
    apr_int64_t since = ms - FIRST_MS;

    return since >= 0 && since % MS_PER_DAY < MS_PER_SECOND
           && date_of((int)(since / MS_PER_DAY)).day == 1;
}

/* *more: the time is later than *ms by less than a millisecond. */
static int parse(apr_int64_t *ms, int *more, const char *text)
{
    apr_int64_t days;
    apr_int64_t time;
    apr_int64_t offset;
    apr_int64_t result;
    int is_leap_second;

    if (!take_date(&days, &text) || (!take(&text, 'T') && text[-1] != 't')
        || !take_time(&time, more, &is_leap_second, &text) || !take_offset(&offset, &text)
        || *text != '\0') {
        return 0;
    }
    result = (days - EPOCH_DAY) * MS_PER_DAY + time - offset;
    if (is_leap_second && !begins_month(result)) {
        return 0;
    }
    *ms = result;
    return 1;
}

int um_instant_parse(apr_int64_t *ms, const char *text)
{
    int more;

    return parse(ms, &more, text);
}

int um_instant_parse_up(apr_int64_t *ms, const char *text)
{
    int more;

    if (!parse(ms, &more, text)) {
        return 0;
    }
    *ms += more;
    return 1;
}
