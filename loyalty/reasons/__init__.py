"""Why a sale or an event earned what it earned, and why a rule gave nothing: in words for staff, tills and members."""
