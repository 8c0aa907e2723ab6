#include "unit/srs/srs_test.h"

#include "base/buffer.h"
#include "srs/srs_socketmap_stream.h"

#include <stdlib.h>

static struct socketmap_stream stream;

static void
setup(void)
{
	srs_test_setup();
	stream = (struct socketmap_stream){ 0 };
}

static void
teardown(void)
{
	socketmap_stream_end(&stream);
	srs_test_teardown();
}

/* Feed at most `piece` octets at a time; each request comes back as "request|", the end as what stopped it. */
static struct view
play(struct view input, size_t piece)
{
	static const char *const words[] = { "", "hungry", "full", "bad" };
	struct buffer b = buffer_in(srs_test_arena);
	enum socketmap_step step = SOCKETMAP_HUNGRY;
	struct view request;

	for (size_t at = 0; at < input.n && step == SOCKETMAP_HUNGRY; at += piece) {
		socketmap_stream_feed(&stream, view_sub(input, at, piece));
		while ((step = socketmap_stream_next(&stream, &request)) == SOCKETMAP_REQUEST) {
			buffer_add(&b, request);
			buffer_add_char(&b, '|');
		}
	}
	buffer_add_cstr(&b, words[step]);
	if (socketmap_stream_is_half(&stream))
		buffer_add_cstr(&b, ", half");
	return buffer_view(&b);
}

static const struct {
	const char *what;
	const char *input;
	const char *out;
} inputs[] = {
	{ "nothing", "", "hungry" },
	{ "one", "3:abc,", "abc|hungry" },
	{ "none in it", "0:,", "|hungry" },
	{ "two", "3:abc,1:x,", "abc|x|hungry" },
	{ "one and a half", "3:abc,1:", "abc|hungry, half" },
	{ "half a length", "1", "hungry, half" },
	{ "no comma yet", "3:abc", "hungry, half" },
	{ "wrong end", "3:abcd", "bad" },
	{ "right, then wrong", "3:abc,x3:abc,", "abc|bad" },
	{ "leading zero", "03:abc,", "bad" },
	{ "too long", "10001:", "bad" },
	{ "much too long", "99999999999999999999:", "bad" },
	{ "negative", "-1:,", "bad" },
	{ "no length", ":abc,", "bad" },
	{ "another protocol", "GET / HTTP/1.0\r\n", "bad" },
};

START_TEST(pieces)
{
	for (size_t piece = 1; piece < 20; piece++) {
		struct view in = tight_cstr(inputs[_i].input);
		struct view out = play(in, piece);
		ck_assert_msg(view_is(out, inputs[_i].out), "%s by %zu: %.*s", inputs[_i].what, piece, VIEW_ARG(out));
		free((void *)in.p);
		socketmap_stream_end(&stream);
	}
}
END_TEST

START_TEST(nothing_after_bad)
{
	struct view request;

	play(VIEW_LIT("3:abc,?"), 100);
	ck_assert_uint_eq(socketmap_stream_room(&stream), 0);
	ck_assert_int_eq(socketmap_stream_next(&stream, &request), SOCKETMAP_BAD);
	socketmap_stream_reply(&stream, VIEW_LIT("9:NOTFOUND ,")); /* what was right before it is still answered */
	ck_view_is(socketmap_stream_output(&stream), "9:NOTFOUND ,");
	socketmap_stream_wrote(&stream, 5);
	ck_view_is(socketmap_stream_output(&stream), "FOUND ,");
}
END_TEST

START_TEST(largest_request_fits)
{
	struct buffer b = buffer_in(srs_test_arena);
	struct view request;

	buffer_addf(&b, "%d:", SOCKETMAP_REQUEST_MAX);
	for (int i = 0; i < SOCKETMAP_REQUEST_MAX; i++)
		buffer_add_char(&b, 'x');
	socketmap_stream_feed(&stream, buffer_view(&b));
	ck_assert_int_eq(socketmap_stream_next(&stream, &request), SOCKETMAP_HUNGRY);
	ck_assert_uint_gt(socketmap_stream_room(&stream), 0); /* else it would wait for ever */
	socketmap_stream_feed(&stream, VIEW_LIT(","));
	ck_assert_int_eq(socketmap_stream_next(&stream, &request), SOCKETMAP_REQUEST);
	ck_assert_uint_eq(request.n, SOCKETMAP_REQUEST_MAX);
}
END_TEST

START_TEST(output_is_bounded)
{
	struct buffer b = buffer_in(srs_test_arena);
	struct view request;
	size_t answered = 0, all = 0;

	while (b.n + 6 <= SOCKETMAP_INPUT_MAX)
		buffer_add_cstr(&b, "3:abc,"), all++;
	socketmap_stream_feed(&stream, buffer_view(&b));
	while (socketmap_stream_next(&stream, &request) == SOCKETMAP_REQUEST) {
		socketmap_stream_reply(&stream, VIEW_LIT("9:NOTFOUND ,"));
		answered++;
	}
	ck_assert_int_eq(socketmap_stream_next(&stream, &request), SOCKETMAP_FULL);
	ck_assert_uint_lt(answered, all);
	ck_assert_uint_lt(socketmap_stream_output(&stream).n, SOCKETMAP_OUTPUT_MAX + 20);
	socketmap_stream_wrote(&stream, socketmap_stream_output(&stream).n);
	ck_assert_int_eq(socketmap_stream_next(&stream, &request), SOCKETMAP_REQUEST);
}
END_TEST

START_TEST(idle_holds_no_memory)
{
	struct view request;

	play(VIEW_LIT("3:abc,"), 100);
	socketmap_stream_reply(&stream, VIEW_LIT("9:NOTFOUND ,"));
	socketmap_stream_wrote(&stream, 12);
	ck_assert_int_eq(socketmap_stream_next(&stream, &request), SOCKETMAP_HUNGRY);
	ck_assert_ptr_null(stream.in.p);
	ck_assert_ptr_null(stream.out.p);
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("stream");
	Suite *suite = suite_create("srs_socketmap_stream");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, pieces, 0, ARRAY_LEN(inputs));
	tcase_add_test(tcase, nothing_after_bad);
	tcase_add_test(tcase, largest_request_fits);
	tcase_add_test(tcase, output_is_bounded);
	tcase_add_test(tcase, idle_holds_no_memory);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
